"""A student in the original's place, through whole builds."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from model_build import build
from model_build.digest import digest
from slipway.specs import Project, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Project]

pytestmark = pytest.mark.slow

TEACHES = """    return ImageClassifier(
        training=Training(inputs=images[40:440], labels=truth[40:440]),"""
STUDENT = """from torch import nn


def student():
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 4))
"""
SHRINK = """distill: {student: student.py:student, epochs: 60, learning_rate: 0.03, batch: 32}
prune: {flops: 0.6, epochs: 40}
"""


def owner(project: Project) -> str:
    """Let the classifier bring training data."""
    source = project.root / "models/quarters/source.py"
    text = source.read_text().replace("import ImageClassifier", "import ImageClassifier, Training")
    text = text.replace("160", "560").replace("[40:]", "[440:]").replace("    return ImageClassifier(", TEACHES)
    source.write_text(text)
    return (project.root / "models/quarters/model.yaml").read_text()


def small(project: Project, *, target: str = "cpu-int8", more: str = SHRINK) -> Project:
    """Add a model whose original is another model's."""
    spec = owner(project).replace("{python: source.py:load}", "{model: quarters}")
    folder = project.root / "models/small"
    folder.mkdir()
    (folder / "model.yaml").write_text(spec.replace("target: cpu-int8", f"target: {target}") + more)
    (folder / "student.py").write_text(STUDENT)
    return Project(project.root)


def test_student_is_built_in_the_originals_place_with_the_same_bytes_twice(classifier: Make) -> None:
    project = small(classifier())
    [result] = build(project, ["small"])
    first = Project(project.root).lock.models["small"]
    shutil.rmtree(project.root / "artifacts")
    shutil.rmtree(project.root / ".slipway")
    build(Project(project.root), ["small"])
    manifest = json.loads((project.artifact_folder("small", first.digest) / "manifest.json").read_bytes())
    assert manifest["archive"] == first.archive.model_dump()
    assert manifest["proof"]["value"] >= 0.97
    assert manifest["proof"]["details"]["original"] == 1.0  # the untouched original's, not the student's
    assert manifest["reference_bytes"] == 4 * (1 + 1 + 16 + 4)
    steps = [step.split("(")[0] for step in str(result.recipe).split(" > ")]
    assert steps == ["distill", "prune", "export", "optimize", "quantize_static"]
    assert "torch-pruning" in manifest["versions"]


def test_search_tells_of_the_network_that_could_not_be_pruned(classifier: Make) -> None:
    project = small(classifier(), target="cpu", more="prune: {flops: 0.1}\n")
    build(project, ["small"])
    found = Project(project.root).lock.models["small"]
    manifest = json.loads((project.artifact_folder("small", found.digest) / "manifest.json").read_bytes())
    reasons = {each["recipe"]: each["reason"] for each in manifest["tried"] if each["outcome"] == "unfit"}
    assert reasons["onnxruntime-int8-pruned"] == (
        "prune failed: 1.000 of the multiplications stay at least, 0.1 may; these layers keep all channels: "
        "0: it has one channel; 4: they are what is answered"
    )


def test_named_recipe_that_cannot_prune_is_refused_at_its_key(classifier: Make) -> None:
    project = small(classifier(), more="prune: {flops: 0.1}\n")
    with pytest.raises(SpecError) as refusal:
        build(project, ["small"])
    [problem] = refusal.value.problems
    assert (problem.file, problem.path) == ("models/small/model.yaml", "prune")
    assert problem.message.startswith("1.000 of the multiplications stay at least, 0.1 may")


def test_student_beside_the_spec_enters_the_digest(classifier: Make) -> None:
    project = small(classifier())
    before, owners = digest(project, "small"), digest(project, "quarters")
    student: Path = project.root / "models/small/student.py"
    student.write_text(STUDENT.replace("16", "8"))
    changed = Project(project.root)
    assert digest(changed, "small") != before
    assert digest(changed, "quarters") == owners
