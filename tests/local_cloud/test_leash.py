"""Programs on a leash: nothing of them is left, however they or their owner end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from slipway.local_cloud import leash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAVING = "sleep 600 & echo $! > left; exec sleep {seconds}"
"""A program with a worker that outlives it, as multi-model-server's do."""


@pytest.fixture
def owner() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def start(folder: Path, read_end: int, seconds: float) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    words = ["sh", "-c", LEAVING.format(seconds=seconds)]
    process = subprocess.Popen(
        [sys.executable, "-P", leash.__file__, str(read_end), "--", *words],
        cwd=folder,
        pass_fds=[read_end],
        start_new_session=True,
    )
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if (folder / "left").is_file() and (said := (folder / "left").read_text().strip()):
            return process, psutil.Process(int(said))
        time.sleep(0.02)
    raise AssertionError("the program does not start")


def test_worker_ends_with_its_program(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0], 1.5)
    assert process.wait(20) == 0
    assert psutil.wait_procs([worker], 5)[1] == []


def test_worker_ends_when_its_program_is_asked_to(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0], 600)
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM % 256
    assert psutil.wait_procs([worker], 5)[1] == []


def test_worker_ends_with_the_owner(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0], 600)
    os.close(owner[1])
    assert process.wait(20) == -signal.SIGKILL
    assert psutil.wait_procs([worker], 5)[1] == []
