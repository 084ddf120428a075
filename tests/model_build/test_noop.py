"""A build with nothing to do, over many models with weights: it must not look into what has not been touched."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.noop import write_artifacts, write_models
from slipway.specs import Project

if TYPE_CHECKING:
    from pathlib import Path

MODELS, MEGABYTES = 40, 4
BUILD = """
import json, sys
from slipway.cli import main
main()
read = dict(line.split(": ") for line in open("/proc/self/io").read().splitlines())["rchar"]
json.dump({"read": int(read), "modules": sorted(sys.modules)}, sys.stderr)
"""


def slipway_build(root: Path) -> tuple[list[bool], int, set[str]]:
    """Return which models were built, how many bytes were read for that, and what was imported."""
    command = [sys.executable, "-c", BUILD, "build", "--project", str(root), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    facts = json.loads(done.stderr)
    return [model["built"] for model in json.loads(done.stdout)["models"]], facts["read"], set(facts["modules"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a process has read")
def test_no_weight_is_read_when_nothing_changed(tmp_path: Path) -> None:
    write_models(tmp_path, MODELS, MEGABYTES)
    write_artifacts(Project(tmp_path))
    all_of_it = MODELS * MEGABYTES << 20
    built, read, _ = slipway_build(tmp_path)
    assert (built, read > all_of_it) == ([False] * MODELS, True)  # this process's own notes are not written yet
    built, read, modules = slipway_build(tmp_path)
    assert (built, read < all_of_it / 4) == ([False] * MODELS, True)
    for unneeded in ("torch", "onnx", "onnxruntime", "numpy", "boto3", "slipway.specs.realtime"):
        assert unneeded not in modules
    weights = tmp_path / "models" / "model-7" / "weights.safetensors"
    with weights.open("r+b") as file:
        file.write(b"other")  # the same size
    changed = subprocess.run(
        [sys.executable, "-c", BUILD, "build", "model-7", "--project", str(tmp_path)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert changed.returncode == 2
    assert "models/model-7/source.py: 1 problem" in changed.stderr  # it was built: its source has no load()
