"""The image that builds, as far as it can be judged without Docker; its packages by what a build imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "containers" / "model-build"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()

# Imports every module of the build and says which installed packages that took.
PROBE = """
import importlib, json, pkgutil, sys
from importlib import metadata
import model_build
import model_build.__main__
for found in pkgutil.walk_packages(model_build.__path__, "model_build."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
tops = {name.partition(".")[0] for name in sys.modules}
owners = metadata.packages_distributions()  # reads every file of every package: once
print(json.dumps(sorted({owner for top in tops for owner in owners.get(top, [])})))
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> set[str]:
    lines = (FOLDER / "requirements.txt").read_text().splitlines()
    return {normal(line.partition("==")[0]) for line in lines if "==" in line}


def test_requirements_are_what_the_lock_gives() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_build_requirements.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_requirements_hold_all_that_a_build_imports() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {normal(name) for name in json.loads(done.stdout.splitlines()[-1])}
    # Here already, brought by Python's own start or by torch for what is installed for development.
    development = {"slipway", "setuptools", "mypy", "pip", "wheel"}
    assert {"torch", "tokenizers", "pydantic"} <= found
    assert found - development <= required()


def test_image_runs_model_build_and_holds_what_that_needs() -> None:
    assert json.loads(DOCKERFILE.partition("ENTRYPOINT ")[2]) == ["python", "-m", "model_build"]
    copied = re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied == ["containers/model-build/requirements.txt", "slipway", "model_build", "serving"]
    assert all((ROOT / source).exists() for source in copied)
    kept = re.findall(r"^!(\S+)$", (FOLDER / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(kept) == sorted(copied)


def test_base_is_pinned_by_tag() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["python:3.11-slim-bookworm"]
