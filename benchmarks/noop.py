"""Seconds that `slipway build` takes to find that nothing changed, over many models with large weights.

    .venv/bin/python -m benchmarks.noop [MODELS] [MEGABYTES]

The weights are holes in files and the artifacts are written by hand: what is timed is the finding, in a fresh process
each time. A machine that does something else tells more by its processor seconds.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from model_build.digest import digest
from model_build.served import as_json
from slipway.specs import Lock, LockedModel, Manifest, Project

SPEC = """task: image-classification
source: {python: source.py:load}
target: cpu-fp32
verify: {metric: accuracy, at_least: 0.9}
"""
MEGABYTE = 1 << 20
SLIPWAY = [sys.executable, "-c", "from slipway.cli import main; main()"]
ARCHIVE = 1000
"""Bytes of an artifact: it is hashed once as the weights are, so its size would only make the first round longer."""


def main(models: int, megabytes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-noop-") as folder:
        root = Path(folder)
        write_models(root, models, megabytes)
        print(f"{models} models of {megabytes} MB")
        print(f"  first, every byte read: {build(root, write=True)}")
        for _ in range(5):
            print(f"  nothing changed:        {build(root)}")
        print(f"  Python alone:           {timed([sys.executable, '-c', 'pass'])[1]}")


def write_models(root: Path, models: int, megabytes: int) -> None:
    (root / "endpoints").mkdir(parents=True)
    for number in range(models):
        write_model(root, f"model-{number}", megabytes)
    time.sleep(0.2)  # what was changed just now is not remembered


def write_model(root: Path, name: str, megabytes: int) -> None:
    folder = root / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(SPEC)
    (folder / "source.py").write_text(f"# {name}\n")
    with (folder / "weights.safetensors").open("wb") as weights:
        weights.truncate(megabytes * MEGABYTE)


def build(root: Path, *, write: bool = False) -> str:
    if write:
        write_artifacts(Project(root))  # which reads every byte too, and remembers it at its end
    output, said = timed([*SLIPWAY, "build", "--project", str(root), "--format", "json"])
    built = [model["name"] for model in json.loads(output)["models"] if model["built"]]
    if built:
        raise SystemExit(f"these were built: {built}")
    return said


def timed(command: list[str]) -> tuple[bytes, str]:
    """Return what a command prints, and how long it took."""
    begun, before = time.perf_counter(), _cpu()
    output = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  ours
    return output, f"{time.perf_counter() - begun:.2f} s, of them {_cpu() - before:.2f} s of processor"


def _cpu() -> float:
    """Return what this process and those that it waited for have used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def write_artifacts(project: Project) -> None:
    """Write what a build of each model would have left."""
    locked = {}
    for name in project.models:
        named = digest(project, name)
        folder = project.artifact_folder(name, named)
        folder.mkdir(parents=True)
        (folder / "model.tar.gz").write_bytes(bytes(ARCHIVE))
        manifest = Manifest.model_validate(manifest_of(name, named))
        (folder / "manifest.json").write_bytes(as_json(manifest.model_dump(mode="json")))
        locked[name] = LockedModel.from_manifest(manifest, project.sources_hash(name))
    project.lock_file.write_text(Lock(models=locked).text())


def manifest_of(name: str, digest: str) -> dict[str, object]:
    tensor = {"dtype": "float32", "shape": ("batch", 4)}
    served = {
        "name": name,
        "digest": digest,
        "task": "image-classification",
        "target": "cpu-fp32",
        "runtime": "onnxruntime",
        "model_file": "model.onnx",
        "inputs": ({"name": "image", **tensor},),
        "outputs": ({"name": "logits", **tensor},),
        "preprocess": {"kind": "tensor"},
        "postprocess": {"kind": "classify", "labels": ("a", "b", "c", "d")},
        "example": {"inputs": [[0.0] * 4]},
    }
    row = {"shape": "1x4", "ratio": 2.0, "ratio_p25": 2.0, "ratio_p75": 2.0, "p50_ms": 1.0, "reference_p50_ms": 2.0}
    return {
        "served": served,
        "archive": {"sha256": hashlib.sha256(bytes(ARCHIVE)).hexdigest(), "size_bytes": ARCHIVE},
        "reference_bytes": 1,
        "recipe": "none",
        "proof": {"metric": "accuracy", "value": 1.0, "at_least": 0.9, "samples": 100},
        "benchmark": (row,),
        "versions": {},
    }


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3])) if sys.argv[1:] else main(200, 100)
