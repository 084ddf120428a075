"""Whole builds, each in a process of its own, as users run them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from model_build import build, samples
from model_build.digest import digest
from serving.model import Model
from slipway.specs import GateError, Lock, Project, SpecError, UsageError
from tests.local_cloud.conftest import alive, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Project]

PYTHON = (sys.executable, "-m", "model_build")
SLEEPER = """import time
from pathlib import Path

def load():
    (Path(__file__).parents[2] / "begun").touch()
    time.sleep(600)
"""


HELD_UP = """def load():
    import time
    while not (Path(__file__).parents[2] / "word").exists():
        time.sleep(0.05)
"""


FORKER = """import os
import signal
import time
from pathlib import Path

def load():
    child = os.fork()
    if child == 0:
        os.setsid()
        time.sleep(600)
    (Path(__file__).parents[2] / "forked").write_text(str(child))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def command(project: Project, *words: str) -> list[str]:
    return [*PYTHON, "--project", str(project.root), *words]


def run(project: Project, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(project, *words), capture_output=True, text=True, timeout=300, check=False, **options)


def built_models(output: str) -> dict[str, bool]:
    return {model["name"]: model["built"] for model in json.loads(output)["models"]}


def artifacts(project: Project) -> list[Path]:
    """Everything under artifacts/ but the lock and the models' own folders."""
    return [path for path in (project.root / "artifacts").glob("*") if path.name != ".lock" and any(path.glob("*"))]


def wait_for_source(project: Project, process: subprocess.Popen[str]) -> int:
    """Wait until the child runs the sleeping source, and return the child's process id."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert process.poll() is None
        children = subprocess.run(
            ["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True, check=False
        ).stdout.split()
        if children and (project.root / "begun").exists():
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("no build began")


def is_gone(pid: int) -> bool:
    """Wait until a process that somebody ends has ended; who reaps it is nobody's business here."""
    end = time.monotonic() + 60
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


def test_build_serves_like_the_original(built: Project, tmp_path: Path) -> None:
    (result,) = build(built, ["tiny"])
    archive = built.artifact_folder("tiny", result.digest) / "model.tar.gz"
    with tarfile.open(archive) as content:
        content.extractall(tmp_path / "model", filter="data")
    theirs = samples(built, "tiny", 2)
    ours = Model.load(tmp_path / "model", threads=1).predict(theirs.inputs)
    assert len(set(theirs.inputs)) == 2
    assert theirs.answers.shape == (2, 32)
    assert np.einsum("nd,nd->n", ours, theirs.answers).min() > 0.98
    assert result.model_dump(mode="json").keys() == {
        *(
            "name",
            "digest",
            "built",
            "size_bytes",
            "reference_bytes",
            "metric",
            "value",
            "recipe",
            "benchmark",
            "per_token",
        )
    }
    assert result.size_bytes == archive.stat().st_size
    assert result.recipe == (
        "export(opset=23) > optimize > quantize_dynamic(per_channel=True, op_types=MatMul+Gemm+Gather)"
    )


HANDLER = """ACCEPTS = ("application/json", "text/plain")


def preprocess(request):
    plain = request.content_type == "text/plain"
    return request.body.decode().splitlines() if plain else request.json()["inputs"]


def postprocess(outputs):
    return {"vectors": outputs, "of": SOURCE}
"""


def test_handler_is_proved_packed_and_served(embedder: Make, tmp_path: Path) -> None:
    project = embedder(target="cpu-fp32", more="serve: {handler: handler.py}")
    handler = project.root / "models" / "tiny" / "handler.py"
    handler.write_text(HANDLER)
    failed = run(project)
    assert failed.returncode == 1
    assert "handler.py line 10, in postprocess: NameError: name 'SOURCE' is not defined" in failed.stderr
    assert artifacts(project) == []
    before = digest(project, "tiny")
    handler.write_text(HANDLER.replace("SOURCE", "'tiny'"))
    assert digest(project, "tiny") != before
    (result,) = build(project, ["tiny"])
    with tarfile.open(project.artifact_folder("tiny", result.digest) / "model.tar.gz") as content:
        assert content.extractfile("handler.py").read() == handler.read_bytes()  # type: ignore[union-attr]
        content.extractall(tmp_path / "model", filter="data")
    model = Model.load(tmp_path / "model", threads=1)
    feeds = model.read(b"the red boat\nhere there", "text/plain")
    np.testing.assert_array_equal(model.run(feeds), model.predict(["the red boat", "here there"]))


def test_build_does_nothing_and_imports_no_torch_when_nothing_changed(built: Project) -> None:
    lock = built.lock_file.read_bytes()
    code = """if True:
        import sys
        from pathlib import Path
        from model_build import build
        from slipway.specs import Project
        assert {result.built for result in build(Project(Path(sys.argv[1])))} == {False}
        heavy = {"torch", "numpy", "onnx", "onnxruntime", "onnxscript", "transformers", "rich"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", code, str(built.root)], check=True, timeout=300)
    assert built.lock_file.read_bytes() == lock


def test_lock_loses_the_entry_of_a_removed_model_when_nothing_else_is_built(built: Project) -> None:
    kept = built.lock.models["tiny"]
    shutil.rmtree(built.root / "models/quarters")
    project = Project(built.root)
    assert [result.built for result in build(project)] == [False]
    assert project.lock.models == {"tiny": kept}


@pytest.mark.parametrize(
    ("file", "changes"),
    [("source.py", True), ("sentences.txt", True), ("model.yaml", True), ("new.txt", True), (".hidden", False)],
)
def test_digest_covers_every_byte_of_the_models_folder(embedder: Make, file: str, *, changes: bool) -> None:
    project = embedder()
    before, path = digest(project, "tiny"), project.root / "models/tiny" / file
    text = path.read_text() if path.exists() else ""
    path.write_text(text.replace("[8]", "[9]") if file == "model.yaml" else f"{text} ")
    assert (digest(Project(project.root), "tiny") != before) is changes


def test_digest_covers_passes_and_versions(embedder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from model_build.passes.optimize import Optimize
    from model_build.passes.quantize_dynamic import QuantizeDynamic

    project = embedder()
    found = {digest(project, "tiny")}
    with monkeypatch.context() as patch:
        patch.setattr(Optimize, "version", 99)
        found.add(digest(project, "tiny"))
    with monkeypatch.context() as patch:
        patch.setattr(QuantizeDynamic, "identity", lambda _: {"per_channel": False})
        found.add(digest(project, "tiny"))
    with monkeypatch.context() as patch:
        patch.setattr("model_build.digest._version", lambda package: "0" if package == "tokenizers" else "1")
        found.add(digest(project, "tiny"))
    assert len(found) == 4


def test_build_refuses_a_name_that_is_no_models(embedder: Make) -> None:
    with pytest.raises(UsageError, match=r"models/tny/model.yaml does not exist, did you mean 'tiny'\?"):
        build(embedder(), ["tny"])


@pytest.mark.parametrize(
    ("line", "words", "said"),
    [
        ("import os; os._exit(0)", (), "the process ended with code 0 during load, without a result"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            (),
            "the build was killed by SIGSEGV during load",
        ),
        (
            "while True: pass",
            ("--load-timeout", "2"),
            "line 2  is still busy here after 2 s: give it longer with --load-timeout",
        ),
    ],
)
def test_build_survives_a_source_that_never_returns(
    embedder: Make, line: str, words: tuple[str, ...], said: str
) -> None:
    result = run(embedder(f"def load():\n    {line}"), *words)
    assert said in result.stderr.splitlines()[-1]
    assert result.stdout == ""
    assert result.returncode in (2, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_build_leaves_nothing_when_interrupted(embedder: Make, number: signal.Signals) -> None:
    project = embedder(SLEEPER)
    process = subprocess.Popen(command(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child = wait_for_source(project, process)
    process.send_signal(number)
    _, messages = process.communicate(timeout=300)
    assert process.returncode == 4
    assert messages.splitlines()[-1] == "interrupted: nothing half-built is left"
    assert is_gone(child)
    assert artifacts(project) == []


def test_build_leaves_nothing_when_the_disk_is_full(embedder: Make) -> None:
    project = embedder()
    limit = 14_000  # bytes a file: the job fits, the graph does not
    result = run(project, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert result.returncode == 3
    assert "a file grew beyond the limit on its size" in result.stderr
    assert artifacts(project) == []


def test_build_replaces_a_damaged_artifact_with_the_same_bytes(built: Project) -> None:
    lock, locked = built.lock_file.read_bytes(), built.lock.models["tiny"]
    archive = built.artifact_folder("tiny", locked.digest) / "model.tar.gz"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    result = run(built)
    assert built_models(result.stdout) == {"quarters": False, "tiny": True}
    assert f"tiny: the artifact {locked.digest[:12]} is damaged and is built again" in result.stderr
    assert archive.read_bytes() == whole
    assert built.lock_file.read_bytes() == lock  # the figures stay as they were measured first


def test_build_records_the_good_model_when_another_misses_its_gate(built: Project) -> None:
    spec = built.root / "models/tiny/model.yaml"
    spec.write_text(spec.read_text().replace("at_least: 0.98", "at_least: 1.0"))
    (built.root / "models/quarters/extra.txt").write_text("changed")
    before, project = built.lock.models, Project(built.root)
    with pytest.raises(
        GateError,
        match=r"tiny: cosine_similarity is 0\.99\d+, with 95 % confidence at least 0\.99\d+; at least 1\.0 is needed",
    ):
        build(project)
    assert [path.name for path in (built.root / "artifacts/tiny").iterdir()] == [before["tiny"].digest]
    assert project.lock.models["tiny"] == before["tiny"]
    assert project.lock.models["quarters"].digest != before["quarters"].digest
    assert list((built.root / "artifacts").glob(".building-*")) == []


def test_build_names_a_package_that_is_not_installed_and_builds_the_other_model(built: Project) -> None:
    spec = built.root / "models/tiny/model.yaml"
    spec.write_text(spec.read_text().replace("[tokenizers]", "[tokenizers, no-such-package]"))
    with pytest.raises(SpecError) as refused:
        build(Project(built.root))
    assert str(refused.value) == (
        "models/tiny/model.yaml: 1 problem\n"
        "  line 2  source.packages[1]: 'no-such-package' is not installed: install it"
    )
    assert not build(Project(built.root), ["quarters"])[0].built


def test_build_says_why_a_model_cannot_be_exported(embedder: Make, embedder_source: str) -> None:
    forward = "def forward(self, input_ids, attention_mask):"
    while_traced = "if torch.compiler.is_compiling(): raise ZeroDivisionError('on purpose')"
    text = embedder_source.replace(forward, f"{forward}\n        {while_traced}", 1)
    assert text != embedder_source
    with pytest.raises(
        SpecError, match=r"cannot be exported to ONNX: .*on purpose.* \(all of it in .*build-tiny\.log\)"
    ):
        build(embedder(text))


def test_build_blames_the_line_of_a_source_that_raises(embedder: Make, embedder_source: str) -> None:
    text = embedder_source.replace("def load():", "def load():\n    print('{')\n    raise OSError('gone')")
    result = run(embedder(text))
    line = text.splitlines().index("    raise OSError('gone')") + 1
    assert result.stderr.endswith(f"models/tiny/source.py: 1 problem\n  line {line}  raised OSError: gone\n")
    assert result.stdout == ""
    assert result.returncode == 2


def test_digest_of_a_model_with_anothers_source_covers_that_source(embedder: Make) -> None:
    project = embedder()
    folder = project.root / "models/tiny-exact"
    folder.mkdir()
    text = (project.root / "models/tiny/model.yaml").read_text()
    (folder / "model.yaml").write_text(text.replace("python: source.py:load, packages: [tokenizers]", "model: tiny"))
    before = digest(Project(project.root), "tiny-exact")
    assert before != digest(project, "tiny")
    source = project.root / "models/tiny/source.py"
    source.write_text(source.read_text() + " ")
    assert digest(Project(project.root), "tiny-exact") != before


def test_figures_stay_as_measured_unless_a_build_is_forced(built: Project) -> None:
    def recorded() -> float:
        return Project(built.root).lock.models["tiny"].benchmark[0].ratio

    entry = built.lock.models["tiny"]
    row = entry.benchmark[0].model_copy(update={"ratio": 999.0})
    other = entry.model_copy(update={"benchmark": (row, *entry.benchmark[1:])})
    built.lock_file.write_text(Lock(models={**built.lock.models, "tiny": other}).text())
    build(Project(built.root), ["tiny"])
    assert recorded() == 999.0
    build(Project(built.root), ["tiny"], force=True)
    assert recorded() != 999.0


def test_samples_blame_the_source(embedder: Make, embedder_source: str) -> None:
    with pytest.raises(SpecError, match="raised RuntimeError"):
        samples(embedder(embedder_source.replace("def load():", "def load():\n    raise RuntimeError")), "tiny", 2)


def test_builds_start_anew_after_one_was_killed_and_build_once(embedder: Make, embedder_source: str) -> None:
    noisy = f"{HELD_UP}    print('noise'); import os; os.write(1, b'more'); assert os.read(0, 9) == b''"
    project = embedder(SLEEPER)
    process = subprocess.Popen(command(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    child = wait_for_source(project, process)
    process.kill()
    process.wait()
    assert is_gone(child)
    assert [path.name.startswith(".building-tiny-") for path in artifacts(project)] == [True]

    embedder(embedder_source.replace("def load():", noisy))
    both, messages = [], [project.root / name for name in ("one.txt", "other.txt")]
    for file in messages:
        with file.open("w") as stream:
            both.append(subprocess.Popen(command(project), stdout=subprocess.PIPE, stderr=stream, text=True))
    waiting = "waiting for another build"
    try:  # until then nothing is loaded: one of them would be done before the other has begun
        eventually(lambda: any(waiting in file.read_text() for file in messages), seconds=240)
    finally:
        (project.root / "word").touch()
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert sorted(built_models(output)["tiny"] for output in outputs) == [False, True]  # and JSON alone
    assert sum(waiting in file.read_text() for file in messages) == 1
    assert [path.name for path in artifacts(project)] == ["tiny"]


def test_build_ends_when_its_child_is_killed_and_what_it_forked_lives_on(embedder: Make) -> None:
    project = embedder(FORKER)
    try:
        done = run(project)
    finally:
        os.kill(int((project.root / "forked").read_text()), signal.SIGKILL)
    assert done.returncode == 3
    assert "killed by SIGKILL" in done.stderr


def test_build_refuses_a_source_that_changed_meanwhile(embedder: Make, embedder_source: str) -> None:
    note = "\n    (Path(__file__).parent / 'note.txt').write_text('edited')"
    project = embedder(embedder_source.replace("def load():", f"def load():{note}"))
    with pytest.raises(SpecError, match="changed while it was being built: run `slipway build tiny` again"):
        build(project)
    assert artifacts(project) == []
    assert project.lock.models == {}
    build(project)
    assert Project(project.root).lock.models["tiny"].digest == digest(Project(project.root), "tiny")


def test_build_sees_an_archive_that_was_replaced_under_its_old_size_and_time(built: Project) -> None:
    build(built)
    (archive,) = (built.root / "artifacts" / "quarters").glob("*/model.tar.gz")
    content, stat = archive.read_bytes(), archive.stat()
    archive.write_bytes(bytes(len(content)))
    os.utime(archive, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    build(built)
    assert archive.read_bytes() == content


@pytest.mark.parametrize("text", ["[" * 100_000, "null", '{"%s": 3}', '{"%s": []}'])
def test_build_forgets_what_it_has_seen_when_the_notes_are_garbage(built: Project, text: str) -> None:
    (archive,) = (built.root / "artifacts" / "quarters").glob("*/model.tar.gz")
    (built.root / ".slipway" / "files-seen.json").write_text(text.replace("%s", str(archive)))
    assert not any(result.built for result in build(built))
