"""What Triton is not given, said before anything is deployed."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from slipway.catalog import instance_types
from slipway.specs.artifact import Artifact
from slipway.specs.lock import LockedModel
from slipway.specs.manifest import Archive
from slipway.specs.servers.triton import Triton
from tests.servers.test_triton_repository import DIGITS, SPEAKER, TEXTS

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = LockedModel(
    archive=Archive(sha256="0" * 64, size_bytes=1),
    benchmark=(),
    digest="a" * 64,
    metric="accuracy",
    recipe="",
    reference_bytes=1,
    sources="0" * 64,
    target="cpu",
    value=1.0,
)
RTX = {**DIGITS, "runtime": "tensorrt-rtx", "target": "gpu", "options": {"sm": "86"}}
PLAN = {**DIGITS, "runtime": "tensorrt", "target": "gpu", "options": {"sm": "86"}}
OPENVINO = {**DIGITS, "runtime": "openvino", "model_file": "model.xml"}
LINES = {**DIGITS, "postprocess": {"kind": "classify", "labels": ["one", "two\nlines", "three\r"]}}
TWO = {**DIGITS, "inputs": [*DIGITS["inputs"], {"name": "more", "dtype": "int64", "shape": ["batch"]}]}


def artifact(folder: Path, document: dict[str, Any]) -> Artifact:
    file, content = folder / "model.tar.gz", json.dumps(document).encode()
    with tarfile.open(file, "w:gz") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return Artifact(document["name"], LOCKED, file)


def said(server: Triton, built: Artifact) -> list[tuple[tuple[str | int, ...], str]]:
    return list(server.problems(built, instance_types()["ml.c7i.xlarge"]))


REFUSED = {
    "is an engine of TensorRT-RTX, which is no TensorRT plan: build it with 'backend: tensorrt'": (RTX, "ensemble"),
    "makes an answer token by token, which no ensemble does: use 'repository: python'": (SPEAKER, "ensemble"),
    "is of openvino, which no backend of the image reads: use 'repository: ensemble'": (OPENVINO, "plain"),
    "needs a GPU, which Triton's own backends use: choose 'repository: ensemble' or 'plain'": (PLAN, "python"),
    "has a label of several lines, 'two\\nlines', and Triton reads a label a line: use 'repository: ensemble', or name "
    "the class on one line": (LINES, "plain"),
    "takes 2 tensors as they are: use 'repository: plain'": (TWO, "ensemble"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_artifact_is_refused_in_words(tmp_path: Path, words: str) -> None:
    document, repository = REFUSED[words]
    key = () if document is RTX else ("repository",)
    server = Triton.model_validate({"name": "triton", "repository": repository})
    built = artifact(tmp_path, document)
    assert said(server, built) == [(key, f"the artifact of '{built.model}' {words}")]


@pytest.mark.parametrize(
    ("document", "repository"),
    [
        (DIGITS, "plain"),
        (TEXTS, "ensemble"),
        (SPEAKER, "python"),
        (OPENVINO, "ensemble"),
        (PLAN, "plain"),
        (TWO, "plain"),
        (LINES, "ensemble"),
        (LINES, "python"),
    ],
)
def test_artifact_is_taken(tmp_path: Path, document: dict[str, Any], repository: str) -> None:
    server = Triton.model_validate({"name": "triton", "repository": repository})
    built = artifact(tmp_path, document)
    assert said(server, built) == []
    layout = server.layout(built, instance_types()["ml.c7i.xlarge"])
    assert layout is not None
    assert f"{built.model}/config.pbtxt" in layout
    assert server.variables(built, None)["SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"] == built.model


@pytest.mark.parametrize("damage", ["none", "half", "torn", "alien", "not json"])
def test_archive_without_a_manifest_says_what_to_do(tmp_path: Path, damage: str) -> None:
    whole = artifact(tmp_path, DIGITS).archive.read_bytes()
    archive, manifest = io.BytesIO(), b"{}" if damage == "alien" else b"{"
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    damaged = {"none": b"\0" * 100, "half": whole[: len(whole) // 2], "torn": whole[:20] + b"\0" * len(whole)}
    (tmp_path / "model.tar.gz").write_bytes(damaged.get(damage, archive.getvalue()))
    built = Artifact("digits", LOCKED, tmp_path / "model.tar.gz")
    message = "the artifact of 'digits' holds no manifest.json that can be read: run `slipway build digits --force`"
    assert said(Triton(), built) == [((), message)]


def test_handler_that_would_not_be_asked_is_refused(tmp_path: Path) -> None:
    [(key, message)] = said(Triton(), artifact(tmp_path, {**DIGITS, "handler": "own.py"}))
    assert key == ()
    assert message.startswith("the artifact of 'digits' brings own.py, which")
