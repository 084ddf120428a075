"""What the chat front asks of requests, and makes of answers, in the Node.js that runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHAT = Path(__file__).parents[2] / "lambdas" / "stream" / "chat.js"
DRIVER = """
const chat = require(process.argv[1]);
const { asked, pieces } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const told = asked.map((text) => {
  try {
    const { body, streams, accept } = chat.read(Buffer.from(text, "utf8"), "writer");
    return { body: JSON.parse(body), streams, accept };
  } catch (error) {
    if (error.failure === undefined) throw error;
    return JSON.parse(chat.errorBody(error.failure, error.param));
  }
});
const said = pieces.map((parts) => {
  const events = new chat.Events();
  return parts.map((part) => events.push(Buffer.from(part, "base64"))).join("") + events.end();
});
process.stdout.write(JSON.stringify({ told, said }));
"""
HELLO = {"role": "user", "content": "Hello"}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "é 模"}}]}


def run(asked: list[str], pieces: list[list[bytes]]) -> dict[str, Any]:
    from base64 import b64encode

    given = {"asked": asked, "pieces": [[b64encode(part).decode() for part in parts] for parts in pieces]}
    done = subprocess.run(
        ["node", "-e", DRIVER, str(CHAT)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def read(asked: Any) -> dict[str, Any]:
    [told] = run([asked if isinstance(asked, str) else json.dumps(asked)], [])["told"]
    return dict(told)


def events(*parts: bytes) -> list[str]:
    [said] = run([], [list(parts)])["said"]
    found = str(said).split("\n\n")
    assert found.pop() == ""
    return found


def line(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def test_request_is_passed_on_with_what_only_this_server_knows() -> None:
    asked = {"messages": [HELLO], "max_tokens": 5, "temperature": 0, "stop": ["a"], "top_k": 3, "seed": None}
    assert read(asked) == {"body": asked, "streams": False, "accept": "application/json"}


def test_request_that_streams_is_answered_in_lines() -> None:
    told = read({"messages": [HELLO], "stream": True, "stream_options": {"include_usage": True}})
    assert (told["streams"], told["accept"]) == (True, "application/jsonlines")


def test_endpoints_name_is_no_name_of_the_model_and_others_are() -> None:
    assert "model" not in read({"messages": [HELLO], "model": "writer"})["body"]
    assert read({"messages": [HELLO], "model": "adapter"})["body"]["model"] == "adapter"


def test_messages_of_tools_and_of_parts_are_passed_on() -> None:
    messages = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    ]
    assert read({"messages": messages})["body"]["messages"] == messages


@pytest.mark.parametrize(
    ("asked", "param", "words"),
    [
        ("{", None, "the body is no JSON"),
        ("[]", None, "the body is no JSON object"),
        ("null", None, "the body is no JSON object"),
        ({}, "messages", "not an array of messages"),
        ({"messages": []}, "messages", "not an array of messages"),
        ({"messages": ["Hello"]}, "messages[0]", "is not an object"),
        ({"messages": [HELLO, {"role": "robot", "content": ""}]}, "messages[1].role", "is not one of assistant"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "neither text nor an array"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content", "neither text nor an array"),
        ({"messages": [HELLO], "max_tokens": 0}, "max_tokens", "a whole number from 1"),
        ({"messages": [HELLO], "max_tokens": "5"}, "max_tokens", "a whole number"),
        ({"messages": [HELLO], "temperature": 2.1}, "temperature", "a number from 0 to 2"),
        ({"messages": [HELLO], "stream": "true"}, "stream", "true or false"),
        ({"messages": [HELLO], "stop": [1]}, "stop", "text or an array of at most 16 texts"),
        ({"messages": [HELLO], "stream_options": {}}, "stream_options", "needs 'stream': true"),
        ({"messages": [HELLO], "top_logprobs": 3}, "top_logprobs", "needs 'logprobs': true"),
    ],
)
def test_request_that_is_none_is_refused_in_openais_form(asked: Any, param: str | None, words: str) -> None:
    error = read(asked)["error"]
    assert words in error["message"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, "invalid_request")


def test_lines_become_events_wherever_they_are_cut() -> None:
    whole = line(CHUNK) + line(CHUNK) + b"\n"
    expected = [f"data: {json.dumps(CHUNK, ensure_ascii=False)}"] * 2 + ["data: [DONE]"]
    pieces = [[whole], [bytes([byte]) for byte in whole], [whole[:70], whole[70:200], whole[200:]], [whole[:-2]]]
    for said in run([], pieces)["said"]:
        assert said.split("\n\n") == [*expected, ""]


def test_events_stay_events() -> None:
    sent = b"".join(b"data: " + line(CHUNK) + b"\n" for _ in range(2)) + b": still here\n\ndata: [DONE]\n\n"
    assert events(sent) == [f"data: {json.dumps(CHUNK, ensure_ascii=False)}"] * 2 + ["data: [DONE]"]


def test_stream_that_fails_says_so_and_is_not_done() -> None:
    failed = events(line(CHUNK), line({"code": 424, "message": "Async Inference Failure out of blocks"}))
    assert json.loads(failed[1].removeprefix("data: "))["error"] == {
        "message": "Async Inference Failure out of blocks",
        "type": "server_error",
        "param": None,
        "code": "model_failed",
    }
    assert len(failed) == 2
    assert events(line({"error": {"message": "no", "code": 400}})) == [
        'data: {"error": {"message": "no", "code": 400}}'
    ]
