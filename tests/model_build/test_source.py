"""What a source may do wrong, and what its author is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_build import ImageClassifier, TensorTransform, TextEmbedder
from model_build.calling import call_source
from slipway.specs import Problem, SpecError


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("def load():\n    x = 1\n    raise ValueError('no  weights\\nhere')", 3, "raised ValueError: no weights here"),
        ("def load():\n    return int('x')", 2, "raised ValueError: invalid literal for int() with base 10: 'x'"),
        ("import sys\ndef load():\n    sys.exit(5)", 3, "ended the process with code 5: return the model instead"),
        ("raise RuntimeError", 1, "raised RuntimeError: without a message"),
        ("import no_such_module", 1, "raised ModuleNotFoundError: No module named 'no_such_module'"),
        ("def load(:\n", 1, "is not Python: invalid syntax"),
        ("def other(): ...", 0, "has no function 'load', which model.yaml names"),
        ("load = 7", 0, "has no function 'load', which model.yaml names"),
        ("def load(): return 7", 0, "load() returned int, accepted: model_build.TextEmbedder"),
        ("def load(): ...", 0, "load() returned NoneType, accepted: model_build.TextEmbedder"),
        ("def load(needed): ...", 0, "raised TypeError: load() missing 1 required positional argument: 'needed'"),
    ],
)
def test_source_is_blamed_at_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "source.py").write_text(text)
    with pytest.raises(SpecError) as caught:
        call_source(folder, "source.py:load", TextEmbedder)
    assert caught.value.problems == (Problem("models/broken/source.py", line, "", message),)


def test_source_is_blamed_in_the_neighbour_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text("from neighbour_of_source import fail\ndef load(): fail()")
    (tmp_path / "neighbour_of_source.py").write_text("def fail():\n    raise KeyError('x')")
    with pytest.raises(SpecError) as caught:
        call_source(tmp_path, "source.py:load", TextEmbedder)
    file = f"models/{tmp_path.name}/neighbour_of_source.py"
    assert caught.value.problems == (Problem(file, 2, "", "raised KeyError: 'x'"),)
    assert not (tmp_path / "__pycache__").exists()


def module() -> torch.nn.Module:
    return torch.nn.Linear(2, 2).eval()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"module": 7}, "module: int, accepted: a torch.nn.Module"),
        ({"module": torch.nn.Linear(2, 2)}, "module: is in training mode, call .eval() on it"),
        ({"module": torch.nn.ReLU().eval()}, "module: has no parameters, so there is nothing to build"),
        ({"tokenizer_file": "tokenizer.json"}, "tokenizer_file: str, accepted: a pathlib.Path"),
        ({"tokenizer_file": Path("/no/such")}, "tokenizer_file: /no/such does not exist"),
        ({"max_length": 0}, "max_length: 0, accepted: 1 or more"),
        ({"max_length": 2.5}, "max_length: float, accepted: a whole number"),
        ({"pooling": "max"}, "pooling: 'max', accepted: mean, cls"),
        ({"reference": None}, "reference: NoneType, accepted: a function of a list of texts"),
        ({"inputs": ("input_ids",)}, "inputs: ['input_ids'], needed: input_ids and attention_mask"),
        (
            {"inputs": ("input_ids", "mask")},
            "inputs: 'mask', accepted: input_ids, attention_mask, token_type_ids",
        ),
    ],
)
def test_text_embedder_refuses(fields: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {
        "module": module(),
        "tokenizer_file": Path(__file__),
        "max_length": 4,
        "reference": lambda texts: np.zeros((len(texts), 2)),
    }
    TextEmbedder(**right)
    with pytest.raises((TypeError, ValueError)) as caught:
        TextEmbedder(**{**right, **fields})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": ("a",)}, "labels: ('a',), accepted: two texts or more"),
        ({"calibration": [1.0]}, "calibration: list, accepted: a numpy array"),
        (
            {"held_out": np.zeros((3, 1, 2, 2))},
            "held_out: float64 (3, 1, 2, 2), accepted: float32 (n, 1, 2, 2)",
        ),
        (
            {"held_out_labels": np.array([0, 1])},
            "held_out_labels: int64 (2,), accepted: one whole number for each of 3",
        ),
        ({"held_out_labels": np.array([0, 1, 2])}, "held_out_labels: 0 to 2, accepted: 0 to 1"),
    ],
)
def test_image_classifier_refuses(fields: dict[str, Any], message: str) -> None:
    images = np.zeros((3, 1, 2, 2), np.float32)
    right: dict[str, Any] = {
        "module": module(),
        "labels": ("a", "b"),
        "image_shape": (1, 2, 2),
        "calibration": images,
        "held_out": images,
        "held_out_labels": np.array([0, 1, 1]),
    }
    ImageClassifier(**right)
    with pytest.raises((TypeError, ValueError)) as caught:
        ImageClassifier(**{**right, **fields})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"held_out": [[1.0]]}, "held_out: list, accepted: a numpy array"),
        ({"held_out": np.zeros((0, 4), np.float32)}, "held_out: float32 (0, 4), accepted: float32 (n, 4)"),
        ({"held_out": np.zeros((3, 4))}, "held_out: float64 (3, 4), accepted: float32 (n, 4)"),
        ({"input_shape": (5,)}, "held_out: float32 (3, 4), accepted: float32 (n, 5)"),
        ({"module": module().train()}, "module: is in training mode, call .eval() on it"),
    ],
)
def test_tensor_transform_refuses(fields: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"module": module(), "input_shape": (4,), "held_out": np.zeros((3, 4), np.float32)}
    TensorTransform(**right)
    with pytest.raises((TypeError, ValueError)) as caught:
        TensorTransform(**{**right, **fields})
    assert str(caught.value) == message
