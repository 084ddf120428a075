"""Ports that servers bind later than they are chosen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING

import pytest

from slipway.local_cloud import ports

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = "import sys; from slipway.local_cloud import ports; ports._RANGE = (int(sys.argv[1]), int(sys.argv[2])); "
ASK += "print(*ports.free_ports(2), flush=True); sys.stdin.read()"


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> Iterator[range]:
    """Three ports and no others; nobody else chooses among those below."""
    first = 10_000 + os.getpid() % 3_000 * 3
    monkeypatch.setattr(ports, "_RANGE", (first, first + 3))
    monkeypatch.setattr(ports, "_claims", deque[int]())
    yield range(first, first + 3)
    for claim in ports._claims:  # noqa: SLF001  they would be kept for as long as the tests run
        os.close(claim)


def test_port_is_given_to_one_process_alone(three: range) -> None:
    words = [sys.executable, "-c", ASK, str(three.start), str(three.stop)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = ports.free_port()
        assert {ours, *theirs} == set(three)
        with pytest.raises(OSError, match="is free"):
            ports.free_port()
        other.communicate("")
    assert ports.free_port() in theirs  # it has ended


def test_port_that_is_bound_is_not_given(three: range) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", three.start))
        assert set(ports.free_ports(2)) == {*three} - {three.start}
