"""The Dockerfile, as far as it can be judged without Docker; its packages by what the server imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "containers" / "onnxruntime"
ENTRYPOINT = ["python", "-m", "serving"]

# Loads a model, answers, and says which installed packages that took.
PROBE = """
import sys
from pathlib import Path
from importlib import metadata
import json
before = set(sys.modules)
import serving.__main__, serving.server, uvicorn.protocols.http.httptools_impl, uvloop
from serving.model import Model
Model.load(Path(sys.argv[1]), threads=1).prove()
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
found = {owner for top in tops for owner in metadata.packages_distributions().get(top, [])}
print(json.dumps(sorted(found)))
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> dict[str, str]:
    stated = [line for line in lines if line and not line.startswith("#")]
    return {normal(name): version for name, _, version in (line.partition("==") for line in stated)}


@pytest.fixture(scope="module")
def requirements() -> dict[str, str]:
    return pins((FOLDER / "requirements.txt").read_text().splitlines())


@pytest.fixture(scope="module")
def stages() -> list[list[tuple[str, str]]]:
    """Return the Dockerfile's instructions, stage by stage."""
    text = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for name, _, rest in (line.partition(" ") for line in lines):
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def values(stage: list[tuple[str, str]], name: str) -> Iterator[str]:
    return (rest for instruction, rest in stage if instruction == name)


def test_every_base_is_pinned_by_tag(stages: list[list[tuple[str, str]]]) -> None:
    bases = [next(values(stage, "FROM")).split()[0] for stage in stages]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11-slim-[a-z]+", base) for base in bases)


def test_last_stage_does_not_run_as_root(stages: list[list[tuple[str, str]]]) -> None:
    names = [name for name, _ in stages[-1]]
    assert list(values(stages[-1], "USER")) == ["10001:10001"]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])


def test_last_stage_copies_only_what_exists_and_is_needed(stages: list[list[tuple[str, str]]]) -> None:
    assert list(values(stages[-1], "COPY")) == ["--from=packages /packages /usr/local", "serving serving"]
    for stage in stages:
        sources = [rest.split()[0] for rest in values(stage, "COPY") if not rest.startswith("--from")]
        assert all((PROJECT / source).exists() for source in sources)


def test_last_stage_keeps_no_tools_to_build_or_install(stages: list[list[tuple[str, str]]]) -> None:
    commands = " ".join(values(stages[-1], "RUN"))
    assert "pip uninstall --yes setuptools wheel pip" in commands
    assert re.search(r"apt-get|gcc|build-essential|pip install", commands) is None


def test_image_starts_the_server_whatever_its_argument(stages: list[list[tuple[str, str]]]) -> None:
    assert json.loads(next(values(stages[-1], "ENTRYPOINT"))) == ENTRYPOINT
    assert list(values(stages[-1], "EXPOSE")) == ["8080"]
    assert [label for labels in values(stages[-1], "LABEL") for label in labels.split()] == [
        "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true",
        "com.amazonaws.sagemaker.capabilities.multi-models=true",
    ]
    assert list(values(stages[-1], "CMD")) == []


def test_requirements_are_pinned_as_in_the_serve_extra(requirements: dict[str, str]) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extra = pins(project["optional-dependencies"]["serve"])
    assert extra.items() <= requirements.items()


def test_requirements_are_what_is_tested_here(requirements: dict[str, str]) -> None:
    assert requirements == {name: metadata.version(name) for name in requirements}


def test_requirements_hold_all_that_the_server_imports(requirements: dict[str, str], encoder: Path) -> None:
    command = [sys.executable, "-c", PROBE, str(encoder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found = {normal(name) for name in json.loads(done.stdout)} - {"slipway"}
    assert {"starlette", "uvicorn", "onnxruntime", "tokenizers", "uvloop"} <= found
    assert found <= set(requirements)
