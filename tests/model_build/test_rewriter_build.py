"""An encoder-decoder through a whole build: from model.yaml to the artifact, the lock, and what a server says."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from model_build import build
from model_build.work import present
from slipway.specs import Manifest, Project
from tests.model_build.decoders import prompts
from tests.model_build.rewriters import write_rewriter
from tests.model_build.speech import TEXTS, greedy_rewriter, loaded
from tests.serving.conftest import started

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = write_rewriter(tmp_path_factory.mktemp("rewriter"), "t5")
    (project.root / "models" / "t5" / "prompts.txt").write_text("\n".join(prompts()[:100]))
    build(project)
    return Project(project.root)


def folder(project: Project) -> Path:
    return project.artifact_folder("t5", project.lock.models["t5"].digest)


def test_lock_and_manifest_say_what_was_proved(built: Project) -> None:
    manifest, locked = Manifest.model_validate_json((folder(built) / "manifest.json").read_bytes()), built.lock
    assert locked.models["t5"].archive == manifest.archive
    assert manifest.packed is not None
    assert manifest.packed.postprocess.kind == "rewrite"
    assert present(manifest.proof.bound) >= 0.9999
    assert manifest.proof.details["same_text"] == 1
    assert manifest.proof.consistency["asked_through_the_server"] == 0
    assert [row.shape for row in locked.models["t5"].benchmark] == ["1x8x0", "1x1x8"]
    assert [row.shape for row in present(locked.models["t5"].per_token)] == ["1x8+16"]
    assert (folder(built) / "report.html").is_file()


def test_archive_has_both_graphs_and_its_server_says_what_the_original_says(built: Project, tmp_path: Path) -> None:
    unpacked = tmp_path / "model"
    with tarfile.open(folder(built) / "model.tar.gz") as archive:
        assert {"manifest.json", "model.onnx", "encoder/model.onnx", "tokenizer.json"} <= set(archive.getnames())
        archive.extractall(unpacked, filter="data")
    original: Any = loaded(built, tmp_path / "scratch").original
    words = original.tokenizer()
    wanted = [words.decode(greedy_rewriter(original, text, 12)) for text in TEXTS]
    assert len(set(wanted)) > 1, "or there is nothing to tell apart"
    with started(unpacked, tmp_path) as server:
        answer = server.ask({"inputs": TEXTS, "parameters": {"max_new_tokens": 12}}).document
    assert [text.split() for text in answer["generated_text"]] == [text.split() for text in wanted]


def test_build_of_the_same_again_does_nothing(built: Project) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder(built).iterdir()}
    assert [result.built for result in build(built)] == [False]
    assert {file: file.stat().st_mtime_ns for file in folder(built).iterdir()} == before
