"""What listens there may be anything: one clear error, an exit code, and an end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLIPWAY = Path(sys.executable).with_name("slipway")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
READY = HEAD + b"content-length: 0\r\n\r\n"
FLOOD = b"x" * 2**20


def says_nothing(_: socket.socket, __: bytes) -> None:
    time.sleep(120)


def closes(_: socket.socket, __: bytes) -> None:
    pass


def speaks_tls(caller: socket.socket, _: bytes) -> None:
    caller.sendall(b"\x15\x03\x03\x00\x02\x02\x46")  # an alert: what came was no handshake


def never_ends(caller: socket.socket, asked: bytes) -> None:
    if asked.startswith(b"GET /ping"):
        caller.sendall(READY)
        return
    caller.sendall(HEAD + b"content-length: 10000000000\r\n\r\n")
    while True:
        caller.sendall(FLOOD)


def never_ends_its_ping(caller: socket.socket, _: bytes) -> None:
    caller.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        caller.sendall(b"100000\r\n" + FLOOD + b"\r\n")


def never_ends_its_head(caller: socket.socket, _: bytes) -> None:
    caller.sendall(HEAD)
    while True:
        caller.sendall(b"x-more: and more\r\n")


@contextmanager
def listening(behave: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Let something answer on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def attend(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            behave(caller, caller.recv(65536))

    def accept() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=attend, args=(caller,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def conform(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, "conform", url, *words], capture_output=True, text=True, check=False, timeout=240, cwd="/"
    )


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (says_nothing, "no answer within 2 s"),
        (closes, "the connection was closed without an answer"),
        (speaks_tls, "the answer is no HTTP or not whole: "),
        (never_ends_its_ping, "the answer is larger than 64 MiB, and not read further"),
        (never_ends_its_head, "the answer is no HTTP or not whole: "),
    ],
)
def test_what_answers_no_ping_is_told_in_one_line(behave: Callable[[socket.socket, bytes], None], said: str) -> None:
    with listening(behave) as url:
        done = conform(url)
    place = url.removeprefix("http://")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{place} does not answer GET /ping: {said}")
    assert done.stderr.count("\n") == 1


def test_answer_without_an_end_is_not_read_to_it_nor_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    with listening(never_ends) as url:
        done = conform(url, "--example", str(tmp_path / "request.json"), "--format", "json")
    report = json.loads(done.stdout)
    first, *others = report["checks"]
    assert (done.returncode, first["check"], first["outcome"]) == (1, "ExampleAnswered", "failed")
    assert first["saw"] == "the answer is larger than 64 MiB, and not read further"
    waiting = [one for one in others if one["saw"].startswith("the example has no answer: the answer is larger")]
    assert len(waiting) >= 15
    assert {one["outcome"] for one in waiting} == {"not run"}


def test_https_is_refused_with_the_reason() -> None:
    done = conform("https://127.0.0.1:1")
    said = "is no address of a server: SageMaker speaks plain HTTP to containers, accepted is http://HOST:PORT"
    assert (done.returncode, done.stderr) == (2, f"'https://127.0.0.1:1' {said}\n")
