"""Going on with texts: what is kept between steps, when an answer ends, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from serving.errors import InputError, ManifestError
from serving.model import Model
from serving.sampling import Wishes, pick
from serving.spoken import Spoken
from tests.serving.adding import CONSTANTS, EOS, MOST, WORDS, Shaped, ask, tokenizer, write_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.serving.conftest import Server

CONTEXT = 24
PROMPTS = ["b", "a b c d", "a b", "j i"]
LINES = {"Accept": "application/jsonlines"}


def goes_on(prompt: str, most: int) -> list[str]:
    """What the model below says, without a model: each token is the sum of all before it, in a ring."""
    ids, said = [WORDS.index(word) for word in prompt.split()], list[str]()
    while len(said) < most and (following := sum(ids) % len(WORDS)) != EOS:
        ids.append(following)
        said.append(WORDS[following])
    return said


def write_adder(folder: Path, **changes: Any) -> Path:
    """Write a decoder whose value of a token is its id, and whose next token is the sum of all values, in a ring."""
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "outer"], ["value"]),
        helper.make_node("Concat", ["past_key_values.0.key", "value"], ["present.0.key"], axis=2),
        helper.make_node("Concat", ["past_key_values.0.value", "value"], ["present.0.value"], axis=2),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "outer"], ["seen"]),
        helper.make_node("Mul", ["present.0.value", "seen"], ["read"]),
        helper.make_node("ReduceSum", ["read", "inner"], ["sum"], keepdims=0),
        helper.make_node("Mod", ["sum", "ring"], ["next"], fmod=1),
        helper.make_node("Cast", ["next"], ["token"], to=TensorProto.INT64),
        helper.make_node("OneHot", ["token", "size", "levels"], ["logits"]),
    ]
    whole: Shaped = [
        ("input_ids", ["batch", "length"]),
        ("attention_mask", ["batch", "total"]),
    ]
    past: Shaped = [(f"past_key_values.0.{part}", ["batch", 1, "past", 1]) for part in ("key", "value")]
    answers: Shaped = [
        ("logits", ["batch", len(WORDS)]),
        ("present.0.key", ["batch", 1, "total", 1]),
        ("present.0.value", ["batch", 1, "total", 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "adder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in whole]
        + [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in past],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in answers],
        [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    words = tokenizer()
    words.enable_truncation(3)  # as some are saved: the server must undo it
    words.enable_padding(length=32)
    words.save(str(folder / "tokenizer.json"))
    return write_manifest(folder, whole + past, answers, CONTEXT, {"kind": "generate"}, changes)


@pytest.fixture(scope="session")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adder(tmp_path_factory.mktemp("adder"))


@pytest.fixture(scope="module")
def server(adder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.serving.conftest import started

    with started(adder, tmp_path_factory.mktemp("logs"), SLIPWAY_MAX_BATCH="4") as running:
        yield running


@pytest.mark.parametrize("most", [1, 5, MOST])
def test_each_text_goes_on_as_if_it_were_alone(adder: Path, most: int) -> None:
    together = ask(adder, PROMPTS, max_new_tokens=most)
    wanted = [goes_on(prompt, most) for prompt in PROMPTS]
    assert [text.split() for text in together["generated_text"]] == wanted
    assert together["generated_tokens"] == [len(said) for said in wanted]
    assert together["finish_reason"] == ["eos" if len(said) < most else "length" for said in wanted]
    for place, prompt in enumerate(PROMPTS):
        assert ask(adder, [prompt], max_new_tokens=most)["generated_text"] == [together["generated_text"][place]]


def test_texts_of_the_fixture_end_in_every_way() -> None:
    lengths = Counter(len(goes_on(prompt, MOST)) < MOST for prompt in PROMPTS)
    assert lengths.keys() == {True, False}, "or the test above proves less than it says"


def test_prompt_and_answer_read_on(adder: Path) -> None:
    assert ask(adder, ["a b"], max_new_tokens=2)["generated_text"] == [" c f"]


def test_answer_fills_the_context_and_no_more(adder: Path) -> None:
    long = " ".join(["a"] * (CONTEXT - 2))
    found = ask(adder, [long])
    assert found["generated_tokens"][0] <= 2
    assert ask(adder, [long], max_new_tokens=2)["generated_tokens"] == found["generated_tokens"]


def test_stop_ends_an_answer_before_it(adder: Path) -> None:
    whole = ask(adder, ["b"], max_new_tokens=6)["generated_text"][0]
    assert ask(adder, ["b"], max_new_tokens=6, stop=["zz", whole[3:6]])["generated_text"] == [whole[:3]]
    assert ask(adder, ["b"], max_new_tokens=6, stop=[whole[3:6]])["finish_reason"] == ["stop"]


@pytest.mark.parametrize(
    ("inputs", "parameters", "message"),
    [
        ([], {}, "inputs: empty, accepted: one text or more"),
        ([7], {}, "inputs[0]: a number where a text belongs"),
        (["a", ""], {}, "inputs[1]: 0 tokens, accepted: 1 to 23, so that a token of the context of 24 is left"),
        (["a " * 24], {}, "inputs[0]: 24 tokens, accepted: 1 to 23, so that a token of the context of 24 is left"),
        (
            ["a", "a " * 20],
            {"max_new_tokens": 5},
            "inputs[1]: 20 tokens and 5 new ones are more than the context of 24",
        ),
        (["a"], {"max_new_tokens": 13}, "parameters.max_new_tokens: 13, accepted: a whole number from 1 to 12"),
        (["a"], {"max_new_tokens": 2.5}, "parameters.max_new_tokens: 2.5, accepted: a whole number from 1 to 12"),
        (["a"], {"max_new_tokens": True}, "parameters.max_new_tokens: true or false, accepted: a whole number from 1"),
        (["a"], {"temperature": -1}, "parameters.temperature: -1, accepted: a number from 0 to 100"),
        (["a"], {"temperature": "hot"}, "parameters.temperature: a text, accepted: a number from 0 to 100"),
        (["a"], {"top_p": 0}, "parameters.top_p: 0, accepted: more than 0, at most 1"),
        (["a"], {"top_p": 1.1}, "parameters.top_p: 1.1, accepted: a number from 0 to 1"),
        (["a"], {"seed": -1}, "parameters.seed: -1, accepted: a whole number from 0 to"),
        (["a"], {"stop": "."}, "parameters.stop: accepted: an array of at most 8 texts, none of them empty"),
        (["a"], {"stop": [""]}, "parameters.stop: accepted: an array of at most 8 texts, none of them empty"),
        (["a"], {"top_k": 4}, "parameters: unknown key 'top_k', accepted: max_new_tokens, temperature, top_p, seed"),
    ],
)
def test_request_is_refused(adder: Path, inputs: list[Any], parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(adder, inputs, **parameters)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"preprocess": {"kind": "tensor"}},
            "preprocess.kind: 'tensor' makes no prompts, postprocess 'generate' needs",
        ),
        (
            {"postprocess": {"kind": "generate", "max_new_tokens": 0, "eos": [0]}},
            "postprocess.max_new_tokens: 0 is not",
        ),
        ({"postprocess": {"kind": "generate", "max_new_tokens": 4, "eos": []}}, "postprocess.eos: empty"),
        (
            {"postprocess": {"kind": "generate", "max_new_tokens": 4, "eos": ["x"]}},
            "postprocess.eos: a token is not an",
        ),
    ],
)
def test_manifest_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        Model.load(write_adder(tmp_path, **changes), threads=1)
    assert message in str(caught.value)


def test_graph_without_a_cache_cannot_generate(make_encoder: Callable[..., Path]) -> None:
    path = make_encoder() / "manifest.json"
    postprocess = {"kind": "generate", "max_new_tokens": 4, "eos": [0]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"postprocess": postprocess}))
    with pytest.raises(ManifestError, match="needs input_ids, attention_mask and past_key_values"):
        Model.load(path.parent, threads=1)


def test_draws_follow_the_probabilities() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    random = np.random.default_rng(1)
    drawn = Counter(pick(logits, Wishes(temperature=1.0), random) for _ in range(8000))
    np.testing.assert_allclose([drawn[each] / 8000 for each in range(4)], [0.5, 0.3, 0.15, 0.05], atol=0.02)
    nucleus = Counter(pick(logits, Wishes(temperature=1.0, top_p=0.75), random) for _ in range(4000))
    np.testing.assert_allclose([nucleus[each] / 4000 for each in range(4)], [0.625, 0.375, 0, 0], atol=0.03)
    cold = {pick(logits, Wishes(temperature=0.01), random) for _ in range(200)}
    assert cold == {0}
    assert {pick(logits, Wishes(temperature=5.0, top_p=0.01), random) for _ in range(50)} == {0}


def test_seed_repeats_draws_whatever_else_is_asked(adder: Path) -> None:
    wishes = {"temperature": 50.0, "seed": 3, "max_new_tokens": 8}
    first = ask(adder, ["a b", "j"], **wishes)["generated_text"]
    assert ask(adder, ["a b", "j"], **wishes)["generated_text"] == first
    assert ask(adder, ["a b"], **wishes)["generated_text"] == first[:1]
    assert ask(adder, ["a b", "j"], **{**wishes, "seed": 4})["generated_text"] != first


def test_told_text_is_whole_characters_and_never_taken_back() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    spoken = Spoken(tokenizer, 0, tokenizer.encode("ab").ids, Wishes(stop=("ENDE",)))
    told = []
    for token in tokenizer.encode("é € END, ENDE and more").ids:
        spoken.take(token, "")
        told.append(spoken.news())
        if spoken.reason != "":
            break
    assert "".join(told) == spoken.text == "é € END, "
    assert told[:2] == ["", "é"]
    assert spoken.reason == "stop"


def test_server_answers_and_streams(server: Server) -> None:
    body = {"inputs": PROMPTS, "parameters": {"max_new_tokens": 5}}
    answer = server.ask(body, headers={"X-Request-Id": "whole"})
    wanted = [goes_on(prompt, 5) for prompt in PROMPTS]
    assert [text.split() for text in answer.document["generated_text"]] == wanted
    assert server.line("whole")["batch"] == 4
    streamed = server.ask(body, headers=LINES)
    assert streamed.headers["content-type"] == "application/jsonlines"
    lines = [json.loads(line) for line in streamed.body.splitlines()]
    for index, said in enumerate(wanted):
        own = [line for line in lines if line["index"] == index]
        assert [WORDS[line["token"]] for line in own[:-1]] == said
        assert "".join(line["text"] for line in own[:-1]) == own[-1]["generated_text"]
        assert own[-1]["finish_reason"] == answer.document["finish_reason"][index]
    firsts = [line["index"] for line in lines[:2]]
    assert firsts == [0, 1], "all texts go on together"


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        ({"inputs": ["a"] * 5}, {}, 413, "5 inputs, accepted: at most 4"),
        (
            {"inputs": ["a"], "parameter": {}},
            {},
            400,
            "body: unknown key 'parameter', accepted: 'inputs', 'parameters'",
        ),
        ({"inputs": ["a"], "parameters": []}, LINES, 400, "parameters: an array where an object belongs"),
        ({"inputs": ["a " * 30]}, LINES, 400, "inputs[0]: 30 tokens, accepted: 1 to 23"),
        ({"inputs": ["a"]}, {"Accept": "application/x-npy"}, 406, "texts cannot be sent as application/x-npy"),
    ],
)
def test_server_refuses(server: Server, body: Any, headers: dict[str, str], status: int, message: str) -> None:
    answer = server.ask(body, headers=headers)
    assert answer.status == status
    assert answer.message.startswith(message)
