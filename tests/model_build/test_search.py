"""From many recipes to one: what is tried, what is kept, and what is not done twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from model_build import build
from model_build.cache import Cache
from model_build.metrics import Measured, lower_bound
from model_build.passes.optimize import Optimize
from model_build.passes.verify import refused
from model_build.race import race
from model_build.search import Search
from model_build.targets import Recipe, recipes
from model_build.work import ShapingPass, present
from slipway.specs import GateError, Manifest, Project
from tests.model_build.conftest import write_embedder

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.graph import Graph
    from model_build.results import BuildResult
    from model_build.work import Work

CALIBRATED = "calibrate: {data: calibration.txt}\n"


def manifest(project: Project, name: str = "tiny") -> Manifest:
    fresh = Project(project.root)
    folder = fresh.artifact_folder(name, fresh.lock.models[name].digest)
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def cached(project: Project) -> dict[str, int]:
    entries = (project.root / ".slipway/cache/tiny").iterdir()
    return {entry.name: (entry / "graph.json").stat().st_mtime_ns for entry in entries}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildResult]:
    """A project that was searched for on a new machine, and the result; what changes it makes a copy of it."""
    root = tmp_path_factory.mktemp("searched")
    write_embedder(root, target="cpu", more=CALIBRATED)
    [result] = build(Project(root))
    return root, result


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose one recipe was made on a new machine."""
    root = tmp_path_factory.mktemp("plain")
    write_embedder(root, target="cpu-fp32")
    build(Project(root))
    return root


def changed(root: Path, into: Path, old: str, new: str) -> Project:
    """Copy a built project, with the forms that were made, and change its spec."""
    spec = shutil.copytree(root, into, dirs_exist_ok=True) / "models/tiny/model.yaml"
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new))
    return Project(into)


def test_search_tries_every_recipe_and_keeps_the_fastest_that_passes(first: tuple[Path, BuildResult]) -> None:
    root, result = first
    project = Project(root)
    found = manifest(project)
    assert {each.recipe for each in found.tried} == {recipe.name for recipe in recipes(project.models["tiny"])}
    [kept] = [each for each in found.tried if each.outcome == "kept"]
    timed = [each for each in found.tried if each.outcome == "slower" and len(each.latency_ms) == len(kept.latency_ms)]
    assert all(present(each.speedup) <= present(kept.speedup) for each in timed)
    assert present(found.proof.bound) <= found.proof.value
    assert present(found.proof.bound) >= 0.98
    assert Project(project.root).lock.models["tiny"].chosen == kept.recipe
    assert result.recipe == found.recipe


def test_second_machine_builds_what_the_lock_says_without_searching(
    first: tuple[Path, BuildResult], tmp_path: Path
) -> None:
    built = ("artifacts", ".slipway")
    project = Project(shutil.copytree(first[0], tmp_path / "second", ignore=shutil.ignore_patterns(*built)))
    build(project)
    assert [each.recipe for each in manifest(project).tried] == [Project(project.root).lock.models["tiny"].chosen]
    assert manifest(project).archive == manifest(Project(first[0])).archive


def test_changed_gate_makes_no_form_again(plain: Path, tmp_path: Path) -> None:
    project = changed(plain, tmp_path, "at_least: 0.98", "at_least: 0.97")
    before = cached(project)
    assert build(project)[0].built
    assert cached(project) == before
    assert len(before) == 2


def test_changed_source_makes_every_form_again_and_forgets_the_old_ones(plain: Path, tmp_path: Path) -> None:
    project = Project(shutil.copytree(plain, tmp_path, dirs_exist_ok=True))
    before = cached(project)
    source = project.root / "models/tiny/source.py"
    source.write_text(source.read_text() + "\n# changed\n")
    build(project)
    assert cached(project)
    assert not before.keys() & cached(project).keys()


def test_lossless_asks_for_more_than_the_spec_does(first: tuple[Path, BuildResult], tmp_path: Path) -> None:
    project = changed(first[0], tmp_path, "target: cpu\n", "target: cpu-lossless\n")
    build(project)
    assert manifest(project).proof.at_least == 0.9999
    assert present(manifest(project).proof.bound) >= 0.9999


def test_lossless_takes_no_other_label(classifier_work: Work) -> None:
    spec = classifier_work.spec.model_copy(update={"target": "cpu-lossless"})
    measured = Measured(1.0, 1.0, {"agreement_with_original": 0.99}, ())
    assert refused(spec, measured) == "0.0100 of the labels are not the original's, and cpu-lossless takes none"
    assert refused(spec, replace(measured, details={"agreement_with_original": 1.0})) == ""


def test_recipe_without_its_calibration_data_is_not_tried(first: tuple[Path, BuildResult], tmp_path: Path) -> None:
    project = changed(first[0], tmp_path, CALIBRATED, "")
    build(project)
    [each] = [each for each in manifest(project).tried if each.recipe == "openvino-int8"]
    assert (each.outcome, each.reason) == ("unfit", "model.yaml names no calibration data")


def test_search_says_what_each_recipe_missed_when_none_passes(first: tuple[Path, BuildResult], tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"no recipe passes the gate\n(.|\n)*-int8: .*similarity is 0\.99"):
        build(changed(first[0], tmp_path, "at_least: 0.98", "at_least: 1.0"))


class Broken(ShapingPass):
    """A library that cannot do what is asked of it."""

    version = 1
    name = "broken"

    def shape(self, work: Work, into: Path) -> Graph:  # noqa: ARG002  the signature of every pass
        raise RuntimeError("unsupported operator: Frobnicate\nand much more")


def searched(work: Work, recipes: tuple[Recipe, ...], folder: Path, steps: list[str]) -> Work:
    spec = work.spec.model_copy(update={"target": "cpu"})
    search = Search(spec, recipes, Cache(folder, {}, lambda _: None), steps.append)
    search.shape(replace(work, spec=spec))
    return search.choose(replace(work, spec=spec))


def test_what_a_library_cannot_do_another_may(embedder_work: Work, tmp_path: Path) -> None:
    good, bad = Recipe("good", (_Exported(embedder_work),)), Recipe("bad", (_Exported(embedder_work), Broken()))
    steps: list[str] = []
    work = searched(embedder_work, (bad, good), tmp_path / "cache", steps)
    by_name = {each.recipe: each for each in work.tried}
    assert by_name["good"].outcome == "kept"
    assert by_name["bad"].reason == "broken failed: RuntimeError: unsupported operator: Frobnicate"
    assert steps == ["bad", "good", "race", "verify"]


class _Exported(ShapingPass):
    """The form that a fixture exported already."""

    version = 1
    name = "export"

    def __init__(self, work: Work) -> None:
        object.__setattr__(self, "_work", work)

    def shape(self, work: Work, into: Path) -> Graph:  # noqa: ARG002  the signature of every pass
        own: Any = self
        return Optimize().shape(own._work, into)  # noqa: SLF001


def test_interrupted_pass_leaves_nothing_that_is_taken_for_whole(embedder_work: Work, tmp_path: Path) -> None:
    class Killed(Broken):
        name = "killed"

        def shape(self, work: Work, into: Path) -> Graph:  # noqa: ARG002  the signature of every pass
            (into / "model.onnx").write_bytes(b"half")
            raise KeyboardInterrupt

    cache = Cache(tmp_path / "cache", {}, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        cache.shape(embedder_work, (Killed(),))
    assert list((tmp_path / "cache").iterdir()) == []


def test_race_puts_the_faster_first(built: Project, classifier_work: Work, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    archive = built.artifact_folder("quarters", built.lock.models["quarters"].digest) / "model.tar.gz"
    shutil.unpack_archive(archive, folder, filter="data")
    runners = race(present(classifier_work.task), [(1, 1, 8, 8), (3, 1, 8, 8)], {"a": folder, "b": folder}, threads=1)
    assert [sorted(each.latency_ms) for each in runners] == [["1x1x8x8", "3x1x8x8"]] * 2
    assert runners[0].speed >= runners[1].speed > 0


def test_bound_is_below_the_mean_and_rises_with_more_inputs() -> None:
    few, many = (np.tile([0.9, 1.0], count) for count in (10, 1000))
    assert lower_bound(few) < lower_bound(many) < 0.95
    assert lower_bound(np.full(20, 0.5)) == 0.5


def test_manifest_tells_the_processor(built: Project) -> None:
    folder = built.artifact_folder("tiny", built.lock.models["tiny"].digest)
    assert json.loads((folder / "manifest.json").read_bytes())["processor"] != ""
