from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from serving.errors import InputError, ManifestError, ModelError
from serving.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = ["a ship slides", "the sea"]
IDS = [[2, 3, 4], [6, 7]]


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))


def test_predict_pools_the_mean_without_padding(encoder: Path, tokens: Callable[..., np.ndarray]) -> None:
    found = Model.load(encoder, threads=1).predict(TEXTS)
    wanted = [unit(tokens(encoder, ids).mean(axis=0)) for ids in IDS]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_predict_keeps_the_mean_when_not_normalised(
    make_encoder: Callable[..., Path], tokens: Callable[..., np.ndarray]
) -> None:
    folder = make_encoder(normalize=False)
    found = Model.load(folder, threads=1).predict(TEXTS)
    np.testing.assert_allclose(found, [tokens(folder, ids).mean(axis=0) for ids in IDS], atol=1e-6)


def test_predict_takes_the_first_token_when_pooling_is_cls(
    make_encoder: Callable[..., Path], tokens: Callable[..., np.ndarray]
) -> None:
    folder = make_encoder(pooling="cls")
    found = Model.load(folder, threads=1).predict(TEXTS)
    np.testing.assert_allclose(found, [unit(tokens(folder, ids)[0]) for ids in IDS], atol=1e-6)


def test_predict_cuts_texts_at_max_length(make_encoder: Callable[..., Path], tokens: Callable[..., np.ndarray]) -> None:
    folder = make_encoder(max_length=2)
    found = Model.load(folder, threads=1).predict(["a ship slides into the sea"])
    np.testing.assert_allclose(found[0], unit(tokens(folder, [2, 3]).mean(axis=0)), atol=1e-6)


def test_preprocess_pads_to_the_longest_text_only(encoder: Path) -> None:
    feeds = Model.load(encoder, threads=1).preprocess(TEXTS)
    assert feeds["input_ids"].tolist() == [[2, 3, 4], [6, 7, 0]]
    assert feeds["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_run_equals_predict_for_tokens(encoder: Path) -> None:
    model = Model.load(encoder, threads=1)
    assert np.array_equal(model.run(model.preprocess(TEXTS)), model.predict(TEXTS))


def test_predict_gives_probabilities_for_tensors(classifier: Path, probabilities: Callable[..., np.ndarray]) -> None:
    inputs = [[0.5, -1, 0.25, 0.0], [0.9, 0.1, -2.0, 0.3]]
    found = Model.load(classifier, threads=2).predict(inputs)
    np.testing.assert_allclose(found, probabilities(classifier, inputs), atol=1e-6)


def test_softmax_does_not_overflow_when_logits_are_large(classifier: Path) -> None:
    found = Model.load(classifier, threads=1).predict([[-1e6, -1e6, -1e6, -1e6]])
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs: empty"),
        ([[]], "inputs: empty"),
        ([1, 2, 3, 4], "inputs[0]: a number where an array belongs"),
        ([[1, 2, 3]], "inputs: shape [1, 3], accepted: float32 ['batch', 4]"),
        ([[1, 2, 3, 4], [1, 2, 3]], "rows of unequal length"),
        ([[1, 2, 3, "4"]], "inputs[0][3]: a text where a number belongs"),
        ([[1, 2, 3, True]], "inputs[0][3]: true or false where a number belongs"),
        ([[1, 2, 3, None]], "inputs[0][3]: null where a number belongs"),
        ([[1, 2, 3, {}]], "inputs[0][3]: an object where a number belongs"),
        ([[[1], [2], [3], [4]]], "inputs[0][0]: an array where a number belongs"),
        ([[1, 2, 3, float("nan")]], "NaN"),
        ([[1, 2, 3, 1e39]], "beyond float32"),
    ],
)
def test_predict_refuses_what_is_not_the_tensor(classifier: Path, inputs: list[Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Model.load(classifier, threads=1).predict(inputs)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs: empty"),
        ([7], "inputs[0]: a number where a text belongs"),
        (["a", None], "inputs[1]: null where a text belongs"),
        ([["a"]], "inputs[0]: an array where a text belongs"),
        ([""], "no text holds a token"),
    ],
)
def test_predict_refuses_what_is_not_texts(encoder: Path, inputs: list[Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Model.load(encoder, threads=1).predict(inputs)
    assert message in caught.value.message


def change(folder: Path, **fields: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_load_refuses_a_tensor_that_the_model_lacks(make_encoder: Callable[..., Path]) -> None:
    folder = make_encoder()
    names = ("input_ids", "attention_mask", "token_type_ids")
    change(folder, inputs=[{"name": name, "dtype": "int64", "shape": ["batch", "length"]} for name in names])
    with pytest.raises(ManifestError, match="'token_type_ids' is not in the model"):
        Model.load(folder, threads=1)


def test_load_refuses_a_wrong_dtype(make_encoder: Callable[..., Path]) -> None:
    folder = make_encoder()
    names = ("input_ids", "attention_mask")
    change(folder, inputs=[{"name": name, "dtype": "int32", "shape": ["batch", "length"]} for name in names])
    with pytest.raises(ManifestError, match="is int32 in the manifest, int64 in the model"):
        Model.load(folder, threads=1)


def test_load_refuses_an_input_left_out(make_encoder: Callable[..., Path]) -> None:
    folder = make_encoder(pooling="cls")
    change(folder, inputs=[{"name": "input_ids", "dtype": "int64", "shape": ["batch", "length"]}])
    with pytest.raises(ManifestError, match="the model also has attention_mask"):
        Model.load(folder, threads=1)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"rubbish"])
def test_load_names_the_file_that_it_cannot_load(
    make_encoder: Callable[..., Path], file: str, content: bytes | None
) -> None:
    folder = make_encoder()
    (folder / file).unlink() if content is None else (folder / file).write_bytes(content)
    with pytest.raises(ModelError, match=file):
        Model.load(folder, threads=1)
