"""``target: gpu`` as users meet it: refused where there is no GPU, rehearsed there, built where there is one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_build import build, gpu_machine, rehearse
from model_build.gpu_targets import on_gpu
from model_build.progress import Silent
from model_build.targets import recipes
from model_build.work import present
from serving import cuda
from slipway.specs import GateError, HostError, Manifest, Project, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Project]

ON_G6 = "calibrate: {data: calibration.txt}\ngpu: {instance_type: ml.g6.xlarge}\n"
NO_FP8 = "a GPU of SM 75 computes in no eight-bit floats, which begin with SM 89"
SLIPWAY = str(Path(sys.executable).with_name("slipway"))
A10G, L4 = cuda.Device("NVIDIA A10G", 86), cuda.Device("NVIDIA L4", 89)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which GPUs the driver found."""
    return lambda *found: monkeypatch.setattr(gpu_machine, "_devices", lambda: found)


def test_build_without_the_gpu_names_where_it_is_built(embedder: Make, machine: Callable[..., None]) -> None:
    machine()
    project = embedder(target="gpu", more=ON_G6)
    with pytest.raises(HostError) as refused:
        build(project)
    assert str(refused.value) == (
        "tiny: target gpu is proved and measured on a GPU of SM 89, and this machine has none: build it on "
        "ml.g6.xlarge; `slipway build tiny --rehearse` does here what needs no GPU"
    )
    assert not list((project.root / "artifacts").glob("tiny/*"))


def test_build_on_another_gpu_is_refused(embedder: Make, machine: Callable[..., None]) -> None:
    machine(A10G)
    with pytest.raises(
        HostError, match=r"of SM 89, and this machine's NVIDIA A10G is SM 86: build it on ml\.g6\.xlarge"
    ):
        build(embedder(target="gpu", more=ON_G6))


def test_gpu_that_is_wanted_is_no_reason_to_go_elsewhere(embedder: Make, machine: Callable[..., None]) -> None:
    machine(L4)
    spec = embedder(target="gpu", more="gpu: {sm: 89}\n").models["tiny"]
    assert gpu_machine.elsewhere("tiny", spec) is None


def test_what_was_built_elsewhere_stands_where_it_cannot_be_built(built: Project, machine: Callable[..., None]) -> None:
    machine()
    spec = built.root / "models/tiny/model.yaml"
    spec.write_text(spec.read_text().replace("target: cpu-int8", "target: gpu\ngpu: {sm: 89}"))
    sources = {name: Project(built.root).sources_hash(name) for name in ("tiny", "quarters")}
    locked = built.lock
    entries = {name: it.model_copy(update={"sources": sources[name]}) for name, it in locked.models.items()}
    built.lock_file.write_text(locked.model_copy(update={"models": entries}).text())
    results = {result.name: result for result in build(Project(built.root))}
    assert not results["tiny"].built
    assert results["tiny"].digest == locked.models["tiny"].digest
    spec.write_text(spec.read_text().replace("at_least: 0.98", "at_least: 0.97"))
    with pytest.raises(HostError, match="this machine has none"):
        build(Project(built.root))


def test_rehearsal_goes_as_far_as_it_can_and_leaves_no_artifact(embedder: Make) -> None:
    project = embedder(target="gpu", more=ON_G6)
    [first], [second] = rehearse(project, None, Silent()), rehearse(project, ["tiny"], Silent())
    rows = {row.recipe: row for row in first.tried}
    assert list(rows) == [recipe.name for recipe in recipes(project.models["tiny"])]
    for precision in ("fp32", "fp16", "int8", "fp8"):
        row = rows[f"tensorrt-rtx-{precision}"]
        assert (row.outcome, row.reason, row.engine) == ("compiled", "", "model.rtx-engine")
        assert present(row.bound) >= 0.98
        assert rows[f"tensorrt-{precision}"].reason == "tensorrt is not installed"
    assert rows["onnxruntime-cuda-fp16"].outcome == "proved"
    assert {row.recipe: row.sha256 for row in second.tried} == {row.recipe: row.sha256 for row in first.tried}
    assert not project.lock_file.exists()
    assert not list((project.root / "artifacts").glob("tiny/*"))


def test_rehearsal_ends_at_the_gate(embedder: Make) -> None:
    more = "calibrate: {data: calibration.txt}\ngpu: {sm: 86, precision: int8}\n"
    with pytest.raises(GateError, match=r"(?s)no recipe is left.*tensorrt-rtx-int8: cosine_similarity is 0\.99"):
        rehearse(embedder(target="gpu", at_least=1.0, more=more), None, Silent())


def test_model_for_the_cpu_is_not_rehearsed(embedder: Make) -> None:
    with pytest.raises(UsageError, match="there is no model with 'target: gpu'"):
        rehearse(embedder(), None, Silent())
    with pytest.raises(UsageError, match="'tiny' is no model with 'target: gpu'"):
        rehearse(embedder(), ["tiny"], Silent())


def test_rehearsal_fetches_a_source_that_lies_far(embedder: Make) -> None:
    def fetch(_project: Project, model: str) -> None:
        raise HostError(f"{model} cannot be fetched")

    project = embedder(target="gpu", more=ON_G6)
    spec = project.root / "models/tiny/model.yaml"
    far = f"archive: s3://models/tiny.tar.gz, sha256: {'ab' * 32}, python: source.py:load"
    spec.write_text(spec.read_text().replace("python: source.py:load", far))
    with pytest.raises(HostError, match="tiny cannot be fetched"):
        rehearse(project, None, Silent(), fetch=fetch)


def test_command_rehearses_and_refuses_with_its_own_codes(embedder: Make) -> None:
    project = embedder(target="gpu", more="gpu: {sm: 75}\n")
    command = [SLIPWAY, "build", "--project", str(project.root), "--format", "json"]
    (project.root / "endpoints").mkdir()
    refused = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (refused.returncode, "on a machine whose GPU is SM 75" in refused.stderr) == (3, True)
    rehearsed = subprocess.run([*command, "--rehearse"], capture_output=True, text=True, timeout=300, check=True)
    [found] = json.loads(rehearsed.stdout)["rehearsals"]
    unfit = {row["recipe"]: row["reason"] for row in found["tried"] if row["outcome"] == "unfit"}
    assert unfit == {
        **dict.fromkeys(("tensorrt-int8", "tensorrt-rtx-int8"), "model.yaml names no calibration data"),
        **dict.fromkeys(("tensorrt-fp8", "tensorrt-rtx-fp8"), NO_FP8),
        "tensorrt-rtx-fp32": "TensorRT-RTX has no float32 products for SM 75",
    }
    assert [row["recipe"] for row in found["tried"] if row["outcome"] == "compiled"] == ["tensorrt-rtx-fp16"]
    both = subprocess.run([*command, "--rehearse", "--force"], capture_output=True, text=True, timeout=300, check=False)
    assert (both.returncode, "give one of them" in both.stderr) == (2, True)


def test_profile_follows_the_benchmark_unless_the_model_says_more(embedder: Make) -> None:
    spec = embedder(target="gpu", more="gpu: {sm: 89}\n").models["tiny"]
    engines = [passes[-1] for name, passes in on_gpu(spec, present(spec.gpu)).items() if name.startswith("tensorrt")]
    assert {str(engine).split("precision")[0] for engine in engines} == {
        "compile_tensorrt(backend=tensorrt, sm=89, ",
        "compile_tensorrt(backend=tensorrt-rtx, sm=89, ",
    }
    assert {(engine.batch, engine.length) for engine in engines} == {((1, 1), (8, None))}  # type: ignore[attr-defined]
    more = "gpu: {sm: 89, batch: {best: 4, max: 16}, sequence_length: {best: 12, max: 20}}\n"
    spec = embedder(target="gpu", more=more).models["tiny"]
    engine = on_gpu(spec, present(spec.gpu))["tensorrt-fp16"][-1]
    assert (engine.batch, engine.length) == ((4, 16), (12, 20))  # type: ignore[attr-defined]


@pytest.mark.gpu
def test_gpu_that_is_here_builds_proves_and_measures(embedder: Make) -> None:
    found = cuda.devices()
    if not found:
        pytest.skip("this machine has no NVIDIA GPU")
    project = embedder(target="gpu", more=f"calibrate: {{data: calibration.txt}}\ngpu: {{sm: {found[0].sm}}}\n")
    [result] = build(project)
    fresh = Project(project.root)
    folder = fresh.artifact_folder("tiny", result.digest)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert manifest.runtime in ("tensorrt", "tensorrt-rtx", "onnxruntime-cuda")
    assert present(manifest.proof.bound) >= 0.98
    assert found[0].name in manifest.processor
    assert fresh.lock.models["tiny"].sm in (found[0].sm, None)
