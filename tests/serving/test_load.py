from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from tests.serving.conftest import Server

    Lasting = Callable[[float], dict[str, Any]]

QUICK = {"inputs": [[0.5, 0.1, 0.2, 0.3]]}
HEAD = b"POST /invocations HTTP/1.1\r\nhost: x\r\nx-request-id: %s\r\ncontent-length: %d\r\n\r\n"


def send(connection: socket.socket, document: dict[str, Any], request_id: bytes = b"raw") -> None:
    body = json.dumps(document).encode()
    connection.sendall(HEAD % (request_id, len(body)) + body)


def statuses(server: Server, count: int, document: dict[str, Any]) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: server.ask(document).status, range(count)))


def test_answers_are_not_mixed_up_when_requests_come_at_once(
    classifier_server: Server, classifier: Path, probabilities: Callable[..., np.ndarray]
) -> None:
    inputs = np.random.default_rng(5).uniform(-1, 0.9, size=(200, 4)).round(4)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda row: classifier_server.ask({"inputs": [row]}), inputs.tolist()))
    found = [answer.document["predictions"][0]["scores"] for answer in answers]
    np.testing.assert_allclose(found, probabilities(classifier, inputs), atol=1e-6)


def test_two_requests_are_answered_side_by_side(classifier_server: Server, lasting: Lasting) -> None:
    classifier_server.ask(QUICK)
    with classifier_server.connect() as slow:
        send(slow, lasting(1.0), b"slow")
        classifier_server.wait_for_admitted(1)
        assert classifier_server.ask(QUICK, headers={"X-Request-Id": "quick"}).status == 200
        assert classifier_server.receive(slow).startswith(b"HTTP/1.1 200 ")
    assert classifier_server.line("quick")["time"] < classifier_server.line("slow")["time"]


def test_queue_overflow_answers_503_and_loses_nothing_admitted(
    start: Callable[..., Any], classifier: Path, lasting: Lasting
) -> None:
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="2") as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.ask(lasting(0.5)), range(8)))
        refused = [answer for answer in answers if answer.status == 503]
        assert len(answers) - len(refused) == 3  # one in the model, two waiting
        assert {answer.code for answer in refused} == {"queue_full"}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert server.ask(QUICK).status == 200


def test_refusal_says_when_it_is_worth_asking_again(
    start: Callable[..., Any], classifier: Path, lasting: Lasting
) -> None:
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="8") as server, ThreadPoolExecutor(24) as pool:
        body = lasting(0.6)
        server.ask(body, headers={"X-Request-Id": "one"})
        seconds = server.line("one")["model_ms"] / 1000
        answers = list(pool.map(lambda _: server.ask(body), range(24)))
    waits = [int(answer.headers["retry-after"]) for answer in answers if answer.status == 503]
    assert 8 < len(waits) <= 24 - 9  # who comes when one is answered already has its place
    assert max(1, seconds) <= min(waits) <= max(waits) <= 60
    assert max(waits) >= min(60, seconds * 8 / 2)


def test_flood_is_answered_or_refused_and_a_drain_in_it_loses_nothing(
    start: Callable[..., Any], classifier: Path, lasting: Lasting
) -> None:
    settings = {"SLIPWAY_THREADS": "2", "SLIPWAY_QUEUE_LIMIT": "6", "SLIPWAY_BATCH_SIZE": "4"}
    with start(classifier, **settings) as server:
        body, answered = lasting(0.02), list[tuple[int, str]]()

        def fire(number: int) -> None:
            try:
                for turn in count():
                    answer = server.ask(body, headers={"X-Request-Id": f"{number}-{turn}"})
                    assert answer.status == 200 or answer.headers["retry-after"].isdecimal()
                    answered.append((answer.status, answer.headers["x-request-id"]))
            except OSError:  # the port is closed, or the drain closed a connection before anything was sent on it
                pass

        with ThreadPoolExecutor(32) as pool:
            firing = [pool.submit(fire, number) for number in range(32)]
            server.wait_for(lambda: {200, 503} <= {status for status, _ in answered} and len(answered) > 300)
            server.send(signal.SIGTERM)
        assert [future.exception() for future in firing] == [None] * 32
        assert server.wait() == 0
        assert {status for status, _ in answered} == {200, 503}
        told = {request_id for status, request_id in answered if status == 200}
        assert told == {line["request_id"] for line in server.requests() if line["status"] == 200}
        assert server.log[-1]["unfinished"] == 0


def test_ping_answers_while_the_queue_is_full(start: Callable[..., Any], classifier: Path, lasting: Lasting) -> None:
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="0") as server, server.connect() as busy:
        send(busy, lasting(1.0))
        server.wait_for_admitted(1)
        assert server.ask(QUICK).status == 503
        assert server.ping() == 200
        assert server.receive(busy).startswith(b"HTTP/1.1 200 ")


def test_work_of_a_client_who_left_is_dropped(start: Callable[..., Any], classifier: Path, lasting: Lasting) -> None:
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="3") as server, server.connect() as busy:
        send(busy, lasting(4), b"busy")  # long enough that all have come and gone before a worker is free
        server.wait_for_admitted(1)
        leavers = [server.connect() for _ in range(3)]
        for leaver in leavers:
            send(leaver, lasting(30), b"left")
        server.wait_for_admitted(4)
        assert server.ask(QUICK).status == 503
        for leaver in leavers:
            leaver.close()
        assert server.receive(busy).startswith(b"HTTP/1.1 200 ")
        assert server.ask(QUICK).status == 200  # far sooner than the 90 s of work that was left behind
        gone = [line["status"] for line in server.requests() if line["request_id"] == "left"]
        assert gone == [499] * 3


def test_slow_client_holds_no_place(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="0", SLIPWAY_BODY_SECONDS="1") as server:
        crawlers = [server.connect() for _ in range(20)]
        for crawler in crawlers:
            crawler.sendall(HEAD % (b"slow", 1000) + b"{")
        assert server.ask(QUICK).status == 200
        for crawler in crawlers:
            answer = server.receive(crawler)
            crawler.close()
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer


def test_drain_answers_every_admitted_request(start: Callable[..., Any], classifier: Path, lasting: Lasting) -> None:
    with start(classifier, SLIPWAY_THREADS="2", SLIPWAY_QUEUE_LIMIT="20") as server:
        server.ask(QUICK)
        with ThreadPoolExecutor(10) as pool:
            answers = [pool.submit(server.ask, lasting(0.5)) for _ in range(10)]
            server.wait_for(lambda: server.admitted() + sum(answer.done() for answer in answers) == 10)
            server.send(signal.SIGTERM)
            assert [answer.result().status for answer in answers] == [200] * 10
        assert server.wait() == 0
        assert server.log[-1]["unfinished"] == 0


def test_drain_under_load_loses_no_admitted_request(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier, SLIPWAY_QUEUE_LIMIT="4") as server:
        answered: list[int] = []

        def fire() -> None:
            try:
                while True:
                    answered.append(server.ask(QUICK).status)
            except OSError:  # the port is closed: nothing was admitted
                pass

        with ThreadPoolExecutor(12) as pool:
            for _ in range(12):
                pool.submit(fire)
            server.wait_for(lambda: answered.count(200) > 50)
            server.send(signal.SIGTERM)
        assert server.wait() == 0
        logged = [line["status"] for line in server.requests()]
        assert logged.count(200) == answered.count(200)
        assert set(answered) <= {200, 503}


def test_drain_refuses_a_body_that_is_still_coming(start: Callable[..., Any], classifier: Path) -> None:
    with start(classifier) as server, server.connect() as crawler:
        crawler.sendall(HEAD % (b"slow", 1000) + b"{")
        server.ask(QUICK)
        began = time.monotonic()
        server.send(signal.SIGTERM)
        answer = server.receive(crawler)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"draining"' in answer
        assert server.wait() == 0
        assert time.monotonic() - began < 10


def test_drain_ends_in_time_when_the_model_does_not(
    start: Callable[..., Any], classifier: Path, lasting: Lasting
) -> None:
    with start(classifier, SLIPWAY_DRAIN_SECONDS="1") as server, server.connect() as busy:
        send(busy, lasting(60))
        server.wait_for_admitted(1)
        began = time.monotonic()
        server.send(signal.SIGTERM)
        assert server.receive(busy).startswith(b"HTTP/1.1 503 ")
        assert server.wait() == 0
        assert time.monotonic() - began < 15
        assert server.log[-1]["unfinished"] == 1


def test_many_clients_are_served_by_a_short_queue_without_errors_other_than_503(
    start: Callable[..., Any], encoder: Path
) -> None:
    with start(encoder, SLIPWAY_THREADS="1", SLIPWAY_QUEUE_LIMIT="1") as server:
        found = statuses(server, 40, {"inputs": ["the ship slides"] * 64})
    assert set(found) <= {200, 503}
    assert 200 in found
