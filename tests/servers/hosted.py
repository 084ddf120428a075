"""Starts the clean-room host on a folder, as the local cloud does, and asks it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from slipway.local_cloud.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
CONTAINERS = ROOT / "containers"
READY_SECONDS = 240


@dataclass(frozen=True)
class Hosted:
    """A host that answers."""

    client: httpx.Client
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def ask(self, body: Any, path: str = "/invocations", status: int = 200) -> Any:
        reply = self.client.post(path, json=body)
        assert reply.status_code == status, reply.text
        return reply.json()

    def stream(self, body: Any) -> tuple[str, list[str]]:
        with self.client.stream("POST", "/invocations", json=body) as reply:
            assert reply.status_code == 200
            return reply.headers["content-type"], [line for line in reply.iter_lines() if line]


def start(folder: Path, log: Path, variables: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    environment = {"PATH": os.defpath, "HOME": str(log.parent), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    environment |= {"SLIPWAY_MODEL_DIR": str(folder), "SAGEMAKER_BIND_TO_PORT": str(port), **variables}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "slipway.local_cloud.hosts.djl"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return process, port


@contextmanager
def hosted(folder: Path, log: Path, variables: Mapping[str, str] | None = None) -> Iterator[Hosted]:
    process, port = start(folder, log, variables or {})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=READY_SECONDS) as client:
            one = Hosted(client, process, log)
            wait(one)
            yield one
    finally:
        process.terminate()
        process.wait(60)


def wait(one: Hosted) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and one.process.poll() is None:
        try:
            if one.client.get("/ping").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(one.log)
