"""What the tests of the two servers of tokens share: models that add up token ids in a ring, and how they are asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from serving.model import Model

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("end", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
EOS, MOST = 0, 12
CONSTANTS = {
    "outer": np.array([1, 3]),
    "inner": np.array([1, 2, 3]),
    "ring": np.array(len(WORDS), np.float32),
    "size": np.array(len(WORDS)),
    "levels": np.array([0, 9], np.float32),
}
Shaped = list[tuple[str, list[str | int | None]]]


def tokenizer() -> Tokenizer:
    found = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="end"))  # noqa: S106
    found.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return found


def write_manifest(
    folder: Path, inputs: Shaped, outputs: Shaped, context: int, postprocess: dict[str, Any], changes: dict[str, Any]
) -> Path:
    """Write what the server is told of the model in a folder, with ``changes`` laid over it; return the folder."""
    types = {name: "float32" if "." in name else "int64" for name, _ in inputs}
    manifest = {
        "schema_version": 1,
        "name": "adder",
        "digest": "0" * 64,
        "task": "text-generation",
        "target": "cpu-fp32",
        "runtime": "onnxruntime",
        "model_file": "model.onnx",
        "inputs": [{"name": name, "dtype": types[name], "shape": shape} for name, shape in inputs],
        "outputs": [{"name": name, "dtype": "float32", "shape": shape} for name, shape in outputs],
        "preprocess": {"kind": "tokenize", "tokenizer_file": "tokenizer.json", "max_length": context},
        "postprocess": {"max_new_tokens": MOST, "eos": [EOS], **postprocess},
        "example": {"inputs": ["a b"]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def ask(folder: Path, inputs: list[Any], **parameters: Any) -> dict[str, Any]:
    generator = Model.load(folder, threads=1).generator
    assert generator is not None
    found: dict[str, Any] = json.loads(generator.answer(inputs, parameters))
    return found
