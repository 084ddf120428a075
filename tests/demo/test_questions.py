"""What the tour asks servers of language models, and how it reads and judges what they say."""

from __future__ import annotations

import json

import httpx
import numpy as np
import pytest

from model_build import Samples
from slipway.demo.compare import agreement, in_words, rows
from slipway.demo.hosted import Hosted
from slipway.demo.questions import InAChat, InTheServersWords
from slipway.specs.servers import DjlDeepSpeed, DjlMpi, Lmi, OnnxRuntime, ServerSpec

TEXTS = ["Once", "Twice"]
SAMPLES = Samples("poet", TEXTS, np.asarray([" upon", " told"]), 0.98, np.asarray(["Hello", "Well"]))


@pytest.mark.parametrize(
    "server", [Lmi(name="lmi"), DjlMpi(name="djl-mpi"), DjlDeepSpeed(name="djl-deepspeed")], ids=lambda it: it.name
)
def test_each_text_is_asked_by_itself_and_chance_has_no_say(server: ServerSpec) -> None:
    questions = InTheServersWords(Hosted(("poet",), server), None, None, SAMPLES)
    assert [request["inputs"] for request in questions.requests] == TEXTS
    assert all(request["parameters"]["do_sample"] is False for request in questions.requests)
    said = questions.read(httpx.Response(200, json={"generated_text": " upon"}))
    assert said.tolist() == [" upon"]


def test_server_that_takes_many_is_asked_once() -> None:
    server = OnnxRuntime(name="onnxruntime")
    assert InTheServersWords(Hosted(("m",), server), None, None, SAMPLES).requests == [{"inputs": TEXTS}]


def test_events_of_a_chat_are_one_text() -> None:
    parts = [{"role": "assistant", "content": ""}, {"content": "He"}, {"content": "llo"}, {}]
    events = [json.dumps({"choices": [{"delta": part}]}) for part in parts] + [json.dumps({"choices": []}), "[DONE]"]
    answer = httpx.Response(200, text="".join(f"data: {event}\n\n" for event in events))
    chat = InAChat(SAMPLES)
    assert chat.read(answer).tolist() == ["Hello"]
    assert [request["messages"][0]["content"] for request in chat.requests] == TEXTS
    assert chat.originals.tolist() == ["Hello", "Well"]


def test_texts_agree_letter_by_letter_or_not_at_all() -> None:
    originals = SAMPLES.answers
    assert agreement("next_token_agreement", np.asarray([" upon", " told"]), originals) == 1
    assert agreement("next_token_agreement", np.asarray([" upon", " tolt"]), originals) == 0.5
    assert np.isnan(agreement("next_token_agreement", np.asarray([" upon"]), originals))


def test_answer_is_shown_short_and_in_a_line() -> None:
    answer = {"generated_text": ["a line\nand another that is longer"]}
    assert rows(answer).tolist() == answer["generated_text"]
    assert in_words("Once", answer) == "'Once' -> 'a line and another that …'"
