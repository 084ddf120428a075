from __future__ import annotations

import gzip
import io
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving.conftest import Server

JSON = "application/json"
NPY = "application/x-npy"
INPUTS = [[0.5, -1.0, 0.25, 0.0], [0.9, 0.1, -2.0, 0.3]]
TEXTS = ["a ship slides", "the sea", "into the unknown"]


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_predictions_equal_a_direct_computation(
    classifier_server: Server, classifier: Path, probabilities: Callable[..., np.ndarray]
) -> None:
    answer = classifier_server.ask({"inputs": INPUTS})
    wanted = probabilities(classifier, INPUTS)
    assert (answer.status, answer.headers["content-type"]) == (200, JSON)
    for prediction, row in zip(answer.document["predictions"], wanted, strict=True):
        np.testing.assert_allclose(prediction["scores"], row, atol=1e-6)
        assert prediction["label"] == ("red", "green", "blue")[int(row.argmax())]
        assert prediction["score"] == max(prediction["scores"])


def test_embeddings_equal_a_direct_computation(
    encoder_server: Server, encoder: Path, tokens: Callable[..., np.ndarray]
) -> None:
    answer = encoder_server.ask({"inputs": TEXTS})
    means = [tokens(encoder, ids).mean(axis=0) for ids in ([2, 3, 4], [6, 7], [5, 6, 1])]
    wanted = [mean / np.linalg.norm(mean) for mean in means]
    assert answer.status == 200
    np.testing.assert_allclose(answer.document["embeddings"], wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "<i4"])
def test_npy_request_equals_json_request(classifier_server: Server, dtype: str) -> None:
    array = np.array([[0, -1, 0, 2]]).astype(dtype)
    wanted = classifier_server.ask({"inputs": array.tolist()})
    assert classifier_server.ask(npy(array), headers={"Content-Type": NPY}).document == wanted.document


@pytest.mark.parametrize(("kind", "inputs"), [("classifier", INPUTS), ("encoder", TEXTS)])
def test_npy_answer_equals_json_answer(request: pytest.FixtureRequest, kind: str, inputs: Any) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    answer = server.ask({"inputs": inputs}, headers={"Accept": NPY})
    document = server.ask({"inputs": inputs}).document
    rows = document["embeddings"] if kind == "encoder" else [row["scores"] for row in document["predictions"]]
    array = np.load(io.BytesIO(answer.body), allow_pickle=False)
    assert answer.headers["content-type"] == NPY
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, rows, atol=1e-7)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", "malformed_json", "body:"),
        (b"{", "malformed_json", "body:"),
        (b'{"inputs": [NaN]}', "malformed_json", "body:"),
        (b"[" * 5000, "malformed_json", "body:"),
        (b"\xff\xfe", "malformed_json", "body:"),
        ([1], "invalid_input", "body: an array where an object belongs"),
        ({}, "invalid_input", "'inputs' is missing"),
        ({"inputs": INPUTS, "parameters": {}}, "invalid_input", "unknown key 'parameters', accepted: 'inputs'"),
        ({"inputs": "red"}, "invalid_input", "inputs: a text where an array belongs"),
        ({"inputs": []}, "invalid_input", "inputs: empty"),
        ({"inputs": ["red"]}, "invalid_input", "inputs[0]: a text where an array belongs"),
        ({"inputs": [["1", 2, 3, 4]]}, "invalid_input", "inputs[0][0]: a text where a number belongs"),
        ({"inputs": [[1, 2], [3]]}, "invalid_input", "rows of unequal length"),
        ({"inputs": [[1, 2]]}, "invalid_input", "shape [1, 2], accepted: float32 ['batch', 4]"),
        (b'{"inputs": [[1, 2, 3, 1e60]]}', "invalid_input", "beyond float32"),
    ],
)
def test_invocation_answers_400_when_the_body_is_wrong(
    classifier_server: Server, body: Any, code: str, message: str
) -> None:
    answer = classifier_server.ask(body)
    assert (answer.status, answer.code) == (400, code)
    assert message in answer.message


@pytest.mark.parametrize(
    "array", [np.array([[1, 2, 3, np.nan]]), np.array([[1, 2, 3, np.inf]]), np.zeros((0, 4)), np.float32(3), np.ones(4)]
)
def test_npy_invocation_answers_400_when_the_array_is_wrong(classifier_server: Server, array: np.ndarray) -> None:
    answer = classifier_server.ask(npy(array), headers={"Content-Type": NPY})
    assert (answer.status, answer.code) == (400, "invalid_input")


def test_npy_invocation_answers_400_when_the_header_promises_a_terabyte(classifier_server: Server) -> None:
    body = npy(np.zeros((1, 4))).replace(b"(1, 4)", b"(99999999999, 4)")
    answer = classifier_server.ask(body, headers={"Content-Type": NPY})
    assert (answer.status, answer.code) == (400, "invalid_input")


@pytest.mark.parametrize("content", ["text/plain", "application/x-npy", "application/json; charset=latin-1"])
def test_invocation_answers_415_when_the_model_does_not_take_the_type(encoder_server: Server, content: str) -> None:
    answer = encoder_server.ask({"inputs": TEXTS}, headers={"Content-Type": content})
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert content in answer.message


def test_invocation_answers_406_when_accept_cannot_be_met(encoder_server: Server) -> None:
    answer = encoder_server.ask({"inputs": TEXTS}, headers={"Accept": "text/html, application/json;q=0"})
    assert (answer.status, answer.code) == (406, "not_acceptable")


def test_invocation_answers_413_when_the_batch_is_too_large(encoder_server: Server) -> None:
    assert encoder_server.ask({"inputs": ["a"] * 4}).status == 200
    answer = encoder_server.ask({"inputs": ["a"] * 5})
    assert (answer.status, answer.code) == (413, "too_many_inputs")
    assert answer.message == "5 inputs, accepted: at most 4"


def test_invocation_answers_413_when_the_stated_length_is_too_large(classifier_server: Server) -> None:
    answer = classifier_server.ask(b"x" * 100_001)
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_invocation_answers_413_when_a_chunked_body_grows_too_large(classifier_server: Server) -> None:
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with classifier_server.connect() as connection:
        connection.sendall(head + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 7)  # and never the last chunk
        assert classifier_server.receive(connection).startswith(b"HTTP/1.1 413 ")


def test_chunked_body_is_answered_when_it_is_small(classifier_server: Server) -> None:
    body = b'{"inputs": [[1, 2, 3, 4]]}'
    chunks = b"".join(b"1\r\n" + body[index : index + 1] + b"\r\n" for index in range(len(body))) + b"0\r\n\r\n"
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with classifier_server.connect() as connection:
        connection.sendall(head + chunks)
        assert classifier_server.receive(connection).startswith(b"HTTP/1.1 200 ")


def test_connection_lives_on_when_a_request_was_refused(classifier_server: Server) -> None:
    request = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    body = b'{"inputs": [[1, 2, 3, 4]]}'
    with classifier_server.connect() as connection:
        connection.sendall(request % 200_000 + b"x" * 200_000)
        assert classifier_server.receive(connection).startswith(b"HTTP/1.1 413 ")
        connection.sendall(request % len(body) + body)
        assert classifier_server.receive(connection).startswith(b"HTTP/1.1 200 ")


def test_unknown_path_answers_404(classifier_server: Server) -> None:
    answer = classifier_server.ask(method="GET", path="/models")
    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.headers["x-request-id"] == answer.document["request_id"]


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/invocations", "POST"), ("POST", "/ping", "GET")])
def test_wrong_method_answers_405(classifier_server: Server, method: str, path: str, allow: str) -> None:
    answer = classifier_server.ask(method=method, path=path)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert allow in answer.headers["allow"]


def test_internal_error_answers_500_without_internals(start: Callable[..., Any], fragile: Path) -> None:
    with start(fragile) as server:
        answer = server.ask({"inputs": [[1, 2, -3]]}, headers={"X-Request-Id": "bad-1"})
        assert (answer.status, answer.code, answer.document["request_id"]) == (500, "internal_error", "bad-1")
        assert "finite" not in answer.message
        line = server.line("bad-1")
        assert (line["level"], line["status"]) == ("error", 500)
        assert "the model's answer is not finite" in line["traceback"]
        assert server.ask({"inputs": [[1, 2, 3]]}).status == 200
        assert server.ping() == 200


@pytest.mark.parametrize("name", ["X-Request-Id", "X-Amzn-RequestId", "X-Amzn-SageMaker-Inference-Id"])
def test_request_id_is_echoed_and_logged(classifier_server: Server, name: str) -> None:
    answer = classifier_server.ask({"inputs": INPUTS}, headers={name: f"id-of-{name}"})
    assert answer.headers["x-request-id"] == f"id-of-{name}"
    assert classifier_server.line(f"id-of-{name}")["status"] == 200


@pytest.mark.parametrize("value", [None, "", "two words", "x" * 129])
def test_request_id_is_made_when_there_is_no_good_one(classifier_server: Server, value: str | None) -> None:
    headers = {} if value is None else {"X-Request-Id": value}
    ids = {classifier_server.ask({"inputs": INPUTS}, headers=headers).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert value not in ids


@pytest.mark.parametrize(
    "hostile", [b"one\r\n two", b"one\ttwo", b"\x1b[31m", "schöner".encode(), b'x" , "status":200', b"x" * 129]
)
def test_hostile_request_id_is_told_nowhere(classifier_server: Server, hostile: bytes) -> None:
    request = b"POST /invocations HTTP/1.1\r\nhost: x\r\nx-request-id: %s\r\ncontent-length: 2\r\n\r\n[]"
    with classifier_server.connect() as connection:
        connection.sendall(request % hostile)
        answer = classifier_server.receive(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert hostile not in answer
    assert b"two" not in answer
    made = re.search(rb'"request_id":"([0-9a-f]{32}-[0-9]+)"', answer)
    assert made is not None
    assert b"x-request-id: " + made[1] in answer
    if b"malformed_request" in answer:  # the HTTP parser itself has refused it
        return
    assert classifier_server.line(made[1].decode())["status"] == 400


def test_custom_attributes_are_echoed_and_logged(classifier_server: Server) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "tenant=7, trace=abc"}
    answer = classifier_server.ask({"inputs": INPUTS}, headers=headers)
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "tenant=7, trace=abc"
    line = classifier_server.line(answer.headers["x-request-id"])
    assert line["custom_attributes"] == "tenant=7, trace=abc"


def test_custom_attributes_are_refused_when_too_long(classifier_server: Server) -> None:
    answer = classifier_server.ask({"inputs": INPUTS}, headers={"X-Amzn-SageMaker-Custom-Attributes": "x" * 1025})
    assert (answer.status, answer.code) == (400, "invalid_custom_attributes")


def test_log_line_tells_the_facts_and_never_the_payload(encoder_server: Server) -> None:
    encoder_server.ask({"inputs": ["ship", "sea"]}, headers={"X-Request-Id": "facts"})
    line = encoder_server.line("facts")
    assert (line["status"], line["batch"], line["bytes"]) == (200, 2, 27)
    assert 0 <= line["queue_ms"] <= line["total_ms"]
    assert 0 < line["model_ms"] <= line["total_ms"]
    assert "ship" not in str(encoder_server.log)
    assert [line["event"] for line in encoder_server.log[:2]] == ["starting", "ready"]


def test_tensor_answer_is_the_next_models_request(start: Callable[..., Any], fragile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logarithm"
    shutil.copytree(fragile, folder)
    described = json.loads((folder / "manifest.json").read_text()) | {"postprocess": {"kind": "tensor"}}
    (folder / "manifest.json").write_text(json.dumps(described))
    inputs = [[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]
    with start(folder) as server:
        answer = server.ask({"inputs": inputs})
        assert (answer.status, answer.headers["content-type"]) == (200, JSON)
        assert list(answer.document) == ["inputs"]
        np.testing.assert_allclose(answer.document["inputs"], np.log(inputs), atol=1e-6)
        next_answer = server.ask(answer.document | {"inputs": answer.document["inputs"][1:]})
        np.testing.assert_allclose(next_answer.document["inputs"], np.log(np.log(inputs[1:])), atol=1e-6)
        as_npy = server.ask({"inputs": inputs}, headers={"Accept": NPY})
    np.testing.assert_allclose(np.load(io.BytesIO(as_npy.body)), np.log(inputs), atol=1e-6)


@pytest.mark.parametrize("coding", ["gzip", "deflate, gzip", "br"])
def test_invocation_answers_415_when_the_body_is_compressed(classifier_server: Server, coding: str) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    answer = classifier_server.ask(bomb, headers={"Content-Encoding": coding})
    assert (answer.status, answer.code) == (415, "unsupported_content_encoding")
    assert answer.message == f"content-encoding '{coding}' is not accepted: send the body as it is"
    plain = classifier_server.ask({"inputs": [[1, 2, 3, 4]]}, headers={"Content-Encoding": "identity"})
    assert plain.status == 200
