"""Heads of requests that are too large, too slow or no HTTP: refused as anything else is, and nobody else notices."""

from __future__ import annotations

import json
import statistics
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from serving.heads import MOST_BYTES, MOST_FIELDS
from tests.serving.conftest import started, write_classifier

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.serving.conftest import Server

PING = b"GET /ping HTTP/1.1\r\nhost: it\r\n"
CHUNKED = b"POST /invocations HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
QUICK, SLOW = ({"inputs": [[steps, 0.0, 0.0, 0.0]]} for steps in (1, 20_000))
LINE = b"field: " + b"v" * 1000 + b"\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("heads")
    (folder / "model").mkdir()
    with started(write_classifier(folder / "model"), folder) as server:
        yield server


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("impatient")
    (folder / "model").mkdir()
    with started(write_classifier(folder / "model"), folder, SLIPWAY_HEAD_SECONDS="1") as server:
        yield server


def post(document: Any) -> bytes:
    body = json.dumps(document).encode()
    return b"POST /invocations HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def rest(connection: socket.socket) -> bytes:
    """Everything up to the server's end of the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def asked(server: Server, *pieces: bytes) -> bytes:
    with server.connect() as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:  # it has heard enough
                break
        return rest(connection)


def refused(answer: bytes) -> tuple[int, str]:
    """Status and code of the one refusal that an answer is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    document = json.loads(body)
    assert f"x-request-id: {document['request_id']}".encode() in head
    return int(head.split()[1]), document["error"]["code"]


@pytest.mark.parametrize(
    "pieces",
    {
        "one field": [PING + b"a: " + b"v" * MOST_BYTES],
        "many fields": [PING, b"a: b\r\n" * (MOST_FIELDS + 1) + b"\r\n"],
        "endless": [PING, *[LINE * 1000] * 100],
        "address": [b"GET /ping?" + b"v" * MOST_BYTES + b" HTTP/1.1\r\n\r\n"],
        "empty lines": [b"\r\n" * MOST_BYTES],
        "trailers": [CHUNKED + b"0\r\n", *[LINE] * 100],
        "one trailer": [CHUNKED + b"0\r\na: ", *[b"v" * 60_000] * 20],
        "chunk's extension": [CHUNKED + b"2;", *[b"v" * 60_000] * 20],
    }.items(),
    ids=lambda case: case[0],
)
def test_head_that_is_too_large_is_refused_before_it_fills_the_memory(server: Server, pieces: Any) -> None:
    memory = psutil.Process(server.process.pid).memory_info
    before = memory().rss
    assert refused(asked(server, *pieces[1])) == (431, "head_too_large")
    assert memory().rss - before < 16 << 20
    assert server.ping() == 200


def test_head_of_a_hundred_megabytes_holds_nobody_up(server: Server) -> None:
    with server.connect() as connection:
        connection.settimeout(0.2)
        connection.sendall(PING + b"a: ")
        end, pings = time.monotonic() + 2, list[float]()
        while time.monotonic() < end:
            with suppress(OSError):
                connection.sendall(b"v" * (1 << 20))
            began = time.monotonic()
            assert server.ping() == 200
            pings.append(time.monotonic() - began)
    assert statistics.median(pings) < 1.0


@pytest.mark.parametrize("sent", [b"G", PING, b"\r\n", PING + b"a: "])
def test_head_that_comes_too_slowly_is_refused(impatient: Server, sent: bytes) -> None:
    with impatient.connect() as connection:
        began = time.monotonic()
        connection.sendall(sent)
        assert refused(rest(connection)) == (408, "head_too_slow")
        assert 0.9 < time.monotonic() - began < 19  # as long as it may take elsewhere


def test_drops_of_a_head_do_not_buy_time(impatient: Server) -> None:
    with impatient.connect() as connection:
        connection.settimeout(0.1)
        connection.sendall(PING)
        answer, end = b"", time.monotonic() + 19
        while not answer and time.monotonic() < end:
            connection.sendall(b"a: b\r\n")
            with suppress(TimeoutError):
                answer = connection.recv(65536)
    assert refused(answer) == (408, "head_too_slow")


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", CHUNKED + b"zz\r\n"])
def test_noise_is_refused_as_json(server: Server, noise: bytes) -> None:
    assert refused(asked(server, noise)) == (400, "malformed_request")


@pytest.mark.parametrize("after", [b"\x16\x03\x01", PING + b"a: " + b"v" * MOST_BYTES, PING])
def test_what_was_asked_before_is_answered_first(impatient: Server, after: bytes) -> None:
    with impatient.connect() as connection:
        connection.sendall(post(SLOW) + after)
        answer = impatient.receive(connection)
        assert answer.startswith(b"HTTP/1.1 200")
        length = answer.index(b"\r\n\r\n") + 4 + int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        assert refused(answer[length:] + rest(connection))[0] in (400, 408, 431)


def test_heads_within_the_bounds_are_heard(server: Server) -> None:
    fields = b"".join(b"a%d: %s\r\n" % (number, b"v" * 250) for number in range(MOST_FIELDS - 1))
    with server.connect() as connection:
        for whole in (PING + fields + b"\r\n", post(QUICK), PING + b"\r\n"):
            for piece in (whole[:20], whole[20:]):
                connection.sendall(piece)
                time.sleep(0.01)
            assert server.receive(connection).startswith(b"HTTP/1.1 200")


def test_body_in_chunks_of_a_byte_and_many_requests_at_once_are_heard(server: Server) -> None:
    body = json.dumps({"inputs": [[0.1] * 4] * 50}).encode() + b" " * 60_000
    with server.connect() as connection:
        connection.sendall(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert server.receive(connection).startswith(b"HTTP/1.1 200")
        connection.sendall((PING + b"\r\n") * 3000)  # three times what one head may be
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 3000:
            answers += connection.recv(65536)


def test_refusals_are_counted_and_told(server: Server) -> None:
    asked(server, b"\r\n" * MOST_BYTES)
    assert b'slipway_requests_total{status="431"}' in server.ask(method="GET", path="/metrics").body
    assert {"status": 431, "code": "head_too_large"}.items() <= [
        line for line in server.log if line["event"] == "refused"
    ][-1].items()


def test_workers_have_the_same_bounds(tmp_path: Any) -> None:
    (tmp_path / "model").mkdir()
    with started(write_classifier(tmp_path / "model"), tmp_path, SLIPWAY_WORKERS="2", SLIPWAY_THREADS="1") as server:
        for _ in range(4):
            assert refused(asked(server, PING, LINE * 100)) == (431, "head_too_large")
        server.send(15)
        assert server.wait() == 0
