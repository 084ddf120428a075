from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.specs import Problem, Project, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
FOREIGN = (
    "Input should",
    "Extra inputs",
    "errors.pydantic",
    "Value error",
    "valid dictionary",
    "yaml.org",
    "while pars",
)


def test_file_is_refused_in_exact_words(
    invalid_file: Path, read_spec: Callable[[Path], Any], expect: Callable[[Path, str], None]
) -> None:
    with pytest.raises(SpecError) as refusal:
        read_spec(invalid_file)
    expect(invalid_file.with_suffix(".txt"), str(refusal.value))
    assert all(said_well(problem) for problem in refusal.value.problems)


def test_project_is_refused_in_exact_words(
    invalid_project: Path, broken_project: Callable[[Path], Project], expect: Callable[[Path, str], None]
) -> None:
    with pytest.raises(SpecError) as refusal:
        broken_project(invalid_project).deployment("prod")
    expect(invalid_project / "message.txt", str(refusal.value))
    assert all(said_well(problem) for problem in refusal.value.problems)


def test_valid_file_is_accepted(valid_file: Path, read_spec: Callable[[Path], Any]) -> None:
    assert read_spec(valid_file) is not None


def test_small_project_is_accepted(project: Project) -> None:
    deployment = project.deployment("prod")
    assert sorted(deployment.endpoints) == ["fast", "reader"]
    assert list(deployment.artifacts) == ["digits"]


def test_corpus_holds_nothing_that_no_test_reads() -> None:
    files = [path for path in HERE.glob("invalid/*/*") if path.is_file()]
    cases = [path for path in files if path.suffix == ".yaml"]
    folders = list(HERE.glob("invalid/project/*"))
    assert {path for path in files if path.suffix != ".yaml"} == {path.with_suffix(".txt") for path in cases}
    assert {path.parent.name for path in cases} == {"endpoint", "environment", "model"}
    assert all((folder / "message.txt").is_file() for folder in folders)
    assert len(cases) + len(folders) >= 150


def said_well(problem: Problem) -> bool:
    """Say whether a message keeps the manners of the house: lower case, no full stop, no library's words."""
    first = problem.message[0]
    return not (first.isupper() or problem.message.endswith(".") or any(word in problem.message for word in FOREIGN))
