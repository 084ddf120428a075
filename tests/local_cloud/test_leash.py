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
from tests.local_cloud.conftest import alive, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 120
LEAVING = "sleep 600 & echo $! > left; until [ -e done ]; do sleep 0.1; done"
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


def start(folder: Path, read_end: int) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-P", leash.__file__, str(read_end), "--", "sh", "-c", LEAVING],
        cwd=folder,
        pass_fds=[read_end],
        start_new_session=True,
    )
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if (folder / "left").is_file() and (said := (folder / "left").read_text().strip()):
            return process, psutil.Process(int(said))
        time.sleep(0.02)
    raise AssertionError("the program does not start")


def test_worker_ends_with_its_program(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0])
    (tmp_path / "done").touch()
    assert process.wait(SECONDS) == 0
    eventually(lambda: not alive(worker.pid))


def test_worker_ends_when_its_program_is_asked_to(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0])
    process.terminate()
    assert process.wait(SECONDS) == -signal.SIGTERM % 256
    eventually(lambda: not alive(worker.pid))


def test_worker_ends_with_the_owner(tmp_path: Path, owner: tuple[int, int]) -> None:
    process, worker = start(tmp_path, owner[0])
    os.close(owner[1])
    assert process.wait(SECONDS) == -signal.SIGKILL
    eventually(lambda: not alive(worker.pid))
