"""The real TorchServe and multi-model-server with SageMaker's toolkits, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
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

DEADLINE_SECONDS = 180
OK = 200
MACHINE = instance_types()["ml.c7i.xlarge"]
SENTENCES = ["A slipway is where ships are built.", "and from which they are launched"]
JSON = {"content-type": "application/json"}


@contextmanager
def torchserve(base: Path, variables: Mapping[str, str], probe: bytes) -> Iterator[int]:
    """Run it on ``base/model`` until it answers a probe, and give the port.

    Args:
        base: What is /opt/ml in a container.
        variables: As the container has them.
        probe: Body of a request; /ping says "Healthy" before a worker has loaded, and where none can.
    """
    with _running(TorchServeHost(), base, variables, probe) as port:
        yield port


@contextmanager
def huggingface(base: Path, variables: Mapping[str, str], probe: bytes) -> Iterator[int]:
    """Do the same with multi-model-server and Hugging Face's toolkit."""
    with _running(HuggingFaceHost(), base, variables, probe) as port:
        yield port


@contextmanager
def _running(host: Host, base: Path, variables: Mapping[str, str], probe: bytes) -> Iterator[int]:
    """Start what the local cloud starts, as it does."""
    host.prepare()
    port = free_port()
    command = host.command(Contents(base, variables), port)
    read_end, write_end = os.pipe()
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
            _wait(process, port, probe, base / "log")
            yield port
        finally:
            process.terminate()
            process.wait(60)
            for end in (read_end, write_end):
                os.close(end)


def _wait(process: subprocess.Popen[bytes], port: int, probe: bytes, log: Path) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            url = f"http://127.0.0.1:{port}/invocations"
            if httpx.post(url, content=probe, headers={"content-type": "application/json"}).status_code == OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    raise AssertionError(f"the server does not answer:\n{log.read_text(errors='replace')[-4000:]}")


def artifact(model: str) -> Artifact:
    """Return the project's own, as the lock has it."""
    text = json.dumps(yaml.safe_load((PROJECT / "artifacts.lock").read_text()))
    locked = Lock.model_validate_json(text).models[model]
    return Artifact(model, locked, PROJECT / "artifacts" / model / locked.digest / "model.tar.gz")


def lay_out(built: Artifact, server: ServerSpec, folder: Path) -> None:
    """Unpack what is uploaded, as SageMaker does."""
    laid = packed(built, server, MACHINE).archive
    assert laid is not None
    unpack(laid, folder)


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder
