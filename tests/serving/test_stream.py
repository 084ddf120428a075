"""Answers as JSON lines: each is sent while the next is computed."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serving.conftest import Server

LINES = {"Accept": "application/jsonlines"}
INPUTS = [[0.5, -1.0, 0.25, 0.0], [0.9, 0.1, -2.0, 0.3], [0.1, 0.2, 0.3, 0.4]]
TEXTS = ["a ship slides", "the sea", "into the unknown"]


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


def test_lines_equal_the_document(classifier_server: Server) -> None:
    answer = classifier_server.ask({"inputs": INPUTS}, headers={**LINES, "X-Request-Id": "lines"})
    document = classifier_server.ask({"inputs": INPUTS}).document
    assert (answer.status, answer.headers["content-type"]) == (200, "application/jsonlines")
    for line, prediction in zip(lines(answer.body), document["predictions"], strict=True):
        assert line["label"] == prediction["label"]
        np.testing.assert_allclose(line["scores"], prediction["scores"], atol=1e-6)
    logged = classifier_server.line("lines")
    assert (logged["status"], logged["batch"]) == (200, 3)
    assert 0 < logged["model_ms"] <= logged["total_ms"]


def test_embedding_lines_equal_the_document(encoder_server: Server) -> None:
    answer = encoder_server.ask({"inputs": TEXTS}, headers=LINES)
    vectors = [line["embedding"] for line in lines(answer.body)]
    np.testing.assert_allclose(vectors, encoder_server.ask({"inputs": TEXTS}).document["embeddings"], atol=1e-6)


def test_first_line_arrives_while_the_last_is_computed(
    classifier_server: Server, lasting: Callable[[float], dict[str, Any]]
) -> None:
    slow = lasting(0.7)["inputs"][0]
    arrived, still_computed = [], []
    connection = http.client.HTTPConnection("127.0.0.1", classifier_server.port, timeout=240)
    connection.request("POST", "/invocations", json.dumps({"inputs": [INPUTS[0], slow, slow, slow]}), LINES)
    response = connection.getresponse()
    while line := response.readline():
        arrived.append(json.loads(line)["scores"])
        still_computed.append(classifier_server.admitted() == 1)
    connection.close()
    assert len(arrived) == 4
    assert still_computed[:2] == [True, True]  # two and one of the slow ones are still to come


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"inputs": []}, 400, "invalid_input"),
        ({"inputs": [*INPUTS, ["red"]]}, 400, "invalid_input"),
        ({"inputs": [[1, 2, 3, 4]] * 65}, 413, "too_many_inputs"),
        (b"{", 400, "malformed_json"),
    ],
)
def test_request_is_refused_before_the_first_line_when_any_input_is_wrong(
    classifier_server: Server, body: Any, status: int, code: str
) -> None:
    answer = classifier_server.ask(body, headers=LINES)
    assert (answer.status, answer.code, answer.headers["content-type"]) == (status, code, "application/json")


def test_stream_breaks_off_when_the_model_fails_within_it(start: Callable[..., Any], fragile: Any) -> None:
    with start(fragile) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=240)
        headers = {**LINES, "X-Request-Id": "broken"}
        connection.request("POST", "/invocations", json.dumps({"inputs": [[1, 2, 3], [1, 2, -3]]}), headers)
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert len(lines(caught.value.partial)) == 1
        connection.close()
        line = server.line("broken")
        assert (line["level"], line["code"], line["aborted"]) == ("error", "internal_error", True)
        assert "the model's answer is not finite" in line["traceback"]
        assert server.ask({"inputs": [[1, 2, 3]]}).status == 200


def test_rest_is_not_computed_when_the_client_leaves(
    start: Callable[..., Any], classifier: Any, lasting: Callable[[float], dict[str, Any]]
) -> None:
    slow = lasting(1.0)["inputs"][0]
    with start(classifier, SLIPWAY_THREADS="1") as server:
        body = json.dumps({"inputs": [slow] * 60})
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=240)
        connection.request("POST", "/invocations", body, {**LINES, "X-Request-Id": "left"})
        response = connection.getresponse()
        assert response.readline()
        response.close()
        connection.close()
        began = time.monotonic()
        assert server.ask({"inputs": INPUTS}).status == 200  # there is one thread: it is free again
        assert time.monotonic() - began < 45, "of a minute's work"
        assert server.line("left")["status"] == 499
