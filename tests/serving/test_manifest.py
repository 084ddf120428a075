from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from serving import manifest
from serving.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TENSOR = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}


def test_read_returns_what_is_written(encoder: Path) -> None:
    found = manifest.read(encoder)
    assert found.name == "tiny"
    assert found.inputs[1] == manifest.Tensor("attention_mask", "int64", ("batch", "length"))
    assert found.preprocess == manifest.Tokenize("tokenizer.json", 6)
    assert found.postprocess == manifest.Embed("mean", normalize=True, dimensions=8)
    assert found.example == ["the ship slides"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, "schema_version: 2 is not known, accepted: 1"),
        ({"runtime": "triton"}, "runtime: 'triton' is not known, accepted: onnxruntime"),
        ({"lowercase": True}, "lowercase: unknown key"),
        ({"name": 7}, "name: an integer where a string belongs"),
        ({"schema_version": True}, "schema_version: true or false where an integer belongs"),
        ({"model_file": "../model.onnx"}, "model_file: '../model.onnx' is not the name of a file beside the manifest"),
        ({"model_file": ""}, "model_file: '' is not the name"),
        ({"inputs": []}, "inputs: empty"),
        ({"inputs": ["x"]}, "inputs[0]: a string where an object belongs"),
        ({"inputs": [{"name": "x", "dtype": "float32"}]}, "inputs[0].shape: missing"),
        ({"inputs": [TENSOR | {"dtype": "complex64"}]}, "inputs[0].dtype: 'complex64' is not known"),
        ({"inputs": [TENSOR | {"shape": ["batch", 0]}]}, "inputs[0].shape: 0 is neither"),
        ({"inputs": [TENSOR | {"shape": []}]}, "inputs[0].shape: empty"),
        ({"preprocess": {}}, "preprocess.kind: None is not known, accepted: tokenize, tensor"),
        ({"preprocess": {"kind": "tokenize", "tokenizer_file": "t"}}, "preprocess.max_length: missing"),
        (
            {"preprocess": {"kind": "tokenize", "tokenizer_file": "t", "max_length": 0}},
            "preprocess.max_length: 0 is not a positive integer",
        ),
        (
            {"postprocess": {"kind": "embed", "pooling": "max", "normalize": True, "dimensions": 8}},
            "postprocess.pooling: 'max' is not known, accepted: mean, cls",
        ),
        ({"postprocess": {"kind": "tensor", "labels": ["a"]}}, "postprocess.labels: unknown key, accepted: kind"),
        ({"postprocess": {"kind": "text"}}, "postprocess.kind: 'text' is not known, accepted: embed, classify, tensor"),
        ({"postprocess": {"kind": "classify", "labels": [1]}}, "postprocess.labels: a label is not a string"),
        ({"postprocess": {"kind": "classify", "labels": []}}, "postprocess.labels: empty"),
        ({"example": {"inputs": []}}, "example.inputs: empty"),
        ({"example": {"texts": ["a"]}}, "example.texts: unknown key"),
    ],
)
def test_read_refuses_a_broken_manifest(
    make_encoder: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    path = make_encoder() / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ManifestError) as caught:
        manifest.read(path.parent)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "document: an array where an object belongs"),
        (b"null", "document: null where an object belongs"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "schema_version: missing"),
    ],
)
def test_read_refuses_what_is_no_manifest(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        manifest.read(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")
