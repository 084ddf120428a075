"""Answering texts that an encoder reads: what is read once, what is kept, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from serving.errors import InputError, ManifestError, ModelError
from serving.model import Model
from tests.serving.adding import CONSTANTS, EOS, MOST, WORDS, Shaped, ask, tokenizer, write_manifest
from tests.serving.conftest import started

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = 6
TEXTS = ["b", "a b c d", "a b", "j i k", "e e"]
TEXT = ["past_key_values.0.encoder.key", "past_key_values.0.encoder.value"]


def answers(text: str, most: int) -> list[str]:
    """What the model below says, without a model: the text and all that was said, added up in a ring."""
    ids, said = [WORDS.index(word) for word in text.split()], list[int]()
    while len(said) < most and (following := (sum(ids) + sum(said)) % len(WORDS)) != EOS:
        said.append(following)
    return [WORDS[each] for each in said]


def save(nodes: list[Any], inputs: Shaped, outputs: Shaped, file: Path) -> None:
    whole = {name: TensorProto.FLOAT if "." in name else TensorProto.INT64 for name, _ in inputs}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info(name, whole[name], shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items() if name in used],
    )
    file.parent.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)


def write_adder(folder: Path, text: list[str] = TEXT, **changes: Any) -> Path:
    """Write an encoder whose value of a token is its id, and a decoder that adds those of the text and its own."""
    read: Shaped = [("input_ids", ["batch", "text"]), ("attention_mask", ["batch", "text"])]
    reading = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["seen"]),  # padding may hold anything
        helper.make_node("Cast", ["seen"], ["numbers"], to=TensorProto.FLOAT),
        *(helper.make_node("Unsqueeze", ["numbers", "outer"], [name]) for name in text),
    ]
    save(reading, read, [(name, ["batch", 1, "text", 1]) for name in text], folder / "encoder" / "model.onnx")
    own = [f"0.decoder.{part}" for part in ("key", "value")]
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "outer"], ["new"]),
        *(helper.make_node("Concat", [f"past_key_values.{it}", "new"], [f"present.{it}"], axis=2) for it in own),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "outer"], ["seen"]),
        helper.make_node("Mul", [TEXT[1], "seen"], ["read"]),
        helper.make_node("ReduceSum", ["read", "inner"], ["of_the_text"], keepdims=0),
        helper.make_node("ReduceSum", ["present.0.decoder.value", "inner"], ["of_the_answer"], keepdims=0),
        helper.make_node("Add", ["of_the_text", "of_the_answer"], ["sum"]),
        helper.make_node("Mod", ["sum", "ring"], ["next"], fmod=1),
        helper.make_node("Cast", ["next"], ["token"], to=TensorProto.INT64),
        helper.make_node("OneHot", ["token", "size", "levels"], ["logits"]),
    ]
    inputs: Shaped = [("input_ids", ["batch", "length"]), ("attention_mask", ["batch", "text"])]
    inputs += [(f"past_key_values.{it}", ["batch", 1, "past", 1]) for it in own]
    inputs += [(name, ["batch", 1, "text", 1]) for name in TEXT]
    outputs: Shaped = [("logits", ["batch", len(WORDS)])]
    outputs += [(f"present.{it}", ["batch", 1, "total", 1]) for it in own]
    save(nodes, inputs, outputs, folder / "model.onnx")
    tokenizer().save(str(folder / "tokenizer.json"))
    return write_manifest(folder, inputs, outputs, CONTEXT, {"kind": "rewrite", "start": 0}, changes)


@pytest.fixture(scope="session")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adder(tmp_path_factory.mktemp("rewriting-adder"))


@pytest.mark.parametrize("most", [1, 5, MOST])
def test_each_text_is_answered_as_if_it_were_alone(adder: Path, most: int) -> None:
    together = ask(adder, TEXTS, max_new_tokens=most)
    wanted = [answers(text, most) for text in TEXTS]
    assert len({len(said) for said in wanted}) > 1 or most == 1, "some end before others"
    assert [text.split() for text in together["generated_text"]] == wanted
    for text, said in zip(TEXTS, wanted, strict=True):
        assert ask(adder, [text], max_new_tokens=most)["generated_text"][0].split() == said


def test_answer_does_not_share_the_texts_context(adder: Path) -> None:
    longest = " ".join(["a"] * CONTEXT)
    assert ask(adder, [longest])["generated_tokens"] == [len(answers(longest, MOST))]
    with pytest.raises(InputError, match=rf"^inputs\[0\]: {CONTEXT + 1} tokens, accepted: 1 to {CONTEXT}$"):
        ask(adder, [f"{longest} a"])


def test_server_answers(adder: Path, tmp_path: Path) -> None:
    with started(adder, tmp_path) as server:
        assert [text.split() for text in server.ask({"inputs": TEXTS}).document["generated_text"]] == [
            answers(text, MOST) for text in TEXTS
        ]


@pytest.mark.parametrize(
    ("postprocess", "message"),
    [
        ({"kind": "rewrite", "max_new_tokens": 4, "eos": [0]}, "postprocess.start: missing"),
        ({"kind": "rewrite", "max_new_tokens": 4, "eos": [0], "start": -1}, "postprocess.start: -1 is no token"),
        ({"kind": "generate", "max_new_tokens": 4, "eos": [0], "start": 0}, "postprocess.start: unknown key"),
    ],
)
def test_manifest_is_refused(tmp_path: Path, postprocess: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        Model.load(write_adder(tmp_path, postprocess=postprocess), threads=1)
    assert message in str(caught.value)


def test_encoder_that_is_missing_is_refused(tmp_path: Path) -> None:
    (write_adder(tmp_path) / "encoder" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"encoder/model\.onnx: missing, though the manifest names it"):
        Model.load(tmp_path, threads=1)


def test_encoder_that_makes_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="the encoder: takes or answers something else than what the decoder"):
        Model.load(write_adder(tmp_path, text=TEXT[:1]), threads=1)
