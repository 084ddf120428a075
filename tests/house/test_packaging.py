"""The house itself: source roots, pins, doors."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if re.match(r"[\w.-]+==", line)]
    return dict(normal(line).split("==") for line in lines)


def normal(requirement: str) -> str:
    return re.sub(r"[._]+", "-", requirement.split("==", maxsplit=1)[0]).lower() + "==" + requirement.split("==")[1]


def test_constructs_is_a_source_root_and_never_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()
    assert not (ROOT / "tests" / "constructs" / "__init__.py").exists()


def test_the_pypi_package_constructs_is_the_one_that_is_imported() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import constructs, sagemaker_hosting; print(constructs.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "site-packages" in found


@pytest.mark.parametrize(
    ("extras", "file"), [([], "requirements.txt"), (["build", "serve", "local", "dev"], "requirements-dev.txt")]
)
def test_locked_requirements_are_the_pins_of_pyproject(extras: list[str], file: str) -> None:
    wanted = [*PROJECT["dependencies"], *(pin for extra in extras for pin in PROJECT["optional-dependencies"][extra])]
    direct = dict(normal(pin).split("==") for pin in wanted if "==" in pin)
    assert {name: pins(file)[name] for name in direct} == direct


def test_synth_and_development_lock_the_same_versions() -> None:
    everything = pins("requirements-dev.txt")
    shared = {name: version for name, version in pins("requirements.txt").items() if name in everything}
    assert shared == {name: everything[name] for name in shared}


def test_synth_needs_neither_torch_nor_boto3() -> None:
    assert not {"torch", "boto3", "botocore", "onnxruntime"} & pins("requirements.txt").keys()


def test_the_container_locks_the_versions_that_are_tested_here() -> None:
    everything = pins("requirements-dev.txt")
    container = pins("containers/onnxruntime/requirements.txt")
    assert container == {name: everything[name] for name in container}


def test_ci_calls_what_the_readme_says() -> None:
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_make_target_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        named = set(re.findall(r"\bmake ([a-z]+)\b(?= |`|$|\n|\))", document.read_text()))
        code = {
            word
            for word in named
            if f"`make {word}" in document.read_text() or f"\nmake {word}" in document.read_text()
        }
        assert code <= targets, document.name


def test_app_fits_on_a_screen() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40
