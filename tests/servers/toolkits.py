"""The real TorchServe and multi-model-server with SageMaker's toolkits, on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import yaml

from slipway.catalog import instance_types
from slipway.local_cloud import leash
from slipway.local_cloud.hosts.base import Contents
from slipway.local_cloud.hosts.huggingface import HuggingFaceHost
from slipway.local_cloud.hosts.torchserve import TorchServeHost
from slipway.local_cloud.ports import free_port
from slipway.specs.artifact import Artifact
from slipway.specs.lock import Lock
from slipway.specs.servers.packing import packed
from tests.servers.environments import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slipway.local_cloud.hosts.base import Host
    from slipway.specs.servers import ServerSpec

DEADLINE_SECONDS = 300
OK = 200
MACHINE = instance_types()["ml.c7i.xlarge"]
SENTENCES = ["A slipway is where ships are built.", "and from which they are launched"]
JSON = {"content-type": "application/json"}
get, post = partial(httpx.get, timeout=DEADLINE_SECONDS), partial(httpx.post, timeout=DEADLINE_SECONDS)


@dataclass(frozen=True)
class Running:
    """A server that was started, and may not answer yet.

    Args:
        process: It ends with all that it started.
        port: On loopback.
        probe: Body of a request; TorchServe's /ping says "Healthy" before a worker has loaded, and where none can.
        log: What it says.
    """

    process: subprocess.Popen[bytes]
    port: int
    probe: Any
    log: Path


@contextmanager
def torchserve(base: Path, variables: Mapping[str, str], probe: Any) -> Iterator[Running]:
    """Start it on ``base/model``; ``base`` is /opt/ml in a container."""
    with _started(TorchServeHost(), base, variables, probe) as running:
        yield running


@contextmanager
def huggingface(base: Path, variables: Mapping[str, str], probe: Any) -> Iterator[Running]:
    """Do the same with multi-model-server and Hugging Face's toolkit."""
    with _started(HuggingFaceHost(), base, variables, probe) as running:
        yield running


@contextmanager
def _started(host: Host, base: Path, variables: Mapping[str, str], probe: Any) -> Iterator[Running]:
    """Start what the local cloud starts, as it does."""
    host.prepare()
    port, (read_end, write_end) = free_port(), os.pipe()
    command = host.command(Contents(base, variables), port)
    words = [sys.executable, "-P", leash.__file__, str(read_end), *command.words]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            words,
            env=command.environment,
            cwd=base,
            pass_fds=[read_end],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Running(process, port, probe, base / "log")
    finally:
        process.terminate()
        process.wait(120)
        for end in (read_end, write_end):
            os.close(end)


def answered(*servers: Running) -> None:
    """Wait until each answers its probe."""
    end = time.monotonic() + DEADLINE_SECONDS
    for server in servers:
        while not _answers(server):
            said = server.log.read_text(errors="replace")[-4000:]
            assert server.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.3)


def _answers(server: Running) -> bool:
    try:
        reply = post(f"http://127.0.0.1:{server.port}/invocations", json=server.probe)
    except httpx.TransportError:
        return False
    return reply.status_code == OK


def listening(url: str) -> set[tuple[str, int]]:
    """Return where the server behind a URL, and all that runs beside it, listens."""
    [owner] = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == int(url.rpartition(":")[2])
    }
    assert owner is not None
    group = os.getpgid(owner)
    beside = (process for process in psutil.process_iter() if _group(process.pid) == group)
    return {
        (one.laddr.ip, one.laddr.port)
        for process in beside
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def artifact(model: str) -> Artifact:
    """Return the project's own, as the lock has it."""
    text = json.dumps(yaml.safe_load((PROJECT / "artifacts.lock").read_text()))
    locked = Lock.model_validate_json(text).models[model]
    return Artifact(model, locked, PROJECT / "artifacts" / model / locked.digest / "model.tar.gz")


def lay_out(built: Artifact, server: ServerSpec, folder: Path) -> None:
    """Lay out what is uploaded, as SageMaker does."""
    laid = packed(built, server, MACHINE)
    if laid.archive is not None:
        unpack(laid.archive, folder)
    for name, file in laid.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / name)


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder
