"""The process that will answer, started on this machine: the same ``python -m serving`` as in the container."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import serving
from model_build.memory import peak_bytes
from serving.negotiate import JSON, NPY
from slipway.specs import GateError, HostError

if TYPE_CHECKING:
    import numpy as np

HOST: str = "127.0.0.1"
PATIENCE_SECONDS = 120.0
OK = 200
PORT_TAKEN = 3
"""Exit code of the server."""


class ServerProcess:
    """A running server, to be used as a context manager.

    Args:
        folder: Laid out as it unpacks it.
        threads: Given to each call.

    Raises:
        GateError: If it ends, or does not come to answer.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._folder, self._threads = folder, threads
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._begun = 0.0
        self._port, self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._place.close()

    def wait_until_ready(self) -> None:
        """Return when it says that it is ready."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if self._process.poll() == PORT_TAKEN:
                self._place.close()
                self._port, self._process = self._start()
            elif self._process.poll() is not None:
                raise GateError(f"the server ended with code {self._process.returncode}: {self._last_words()}")
            with suppress(OSError, http.client.HTTPException):
                if self._request("GET", "/ping", None)[0] == OK:
                    return
            time.sleep(0.005)
        raise GateError(f"the server was not ready after {PATIENCE_SECONDS:g} s: {self._last_words()}")

    def ask(self, inputs: list[Any]) -> np.ndarray:
        """Return the answer to one request, as its caller gets it.

        Raises:
            GateError: If it refuses what the model took in this process.
        """
        import numpy as np

        return np.asarray(np.load(io.BytesIO(self._invoke({"inputs": inputs}, NPY)), allow_pickle=False))

    def answer(self, inputs: list[Any], parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to one request as a client without numpy gets it; raises as `ask` does.

        Args:
            inputs: What is asked.
            parameters: Of a model that takes some.
                Default: none are sent.
        """
        document: dict[str, Any] = json.loads(self._invoke({"inputs": inputs, "parameters": parameters or None}, JSON))
        return document

    def first_answer_ms(self, example: list[Any], parameters: dict[str, Any] | None = None) -> float:
        """Return the time from the process's start to the answer to its first request."""
        self.wait_until_ready()
        self.answer(example, parameters)
        return (time.perf_counter() - self._begun) * 1000

    def peak_memory_bytes(self) -> int | None:
        """Return the most memory that it held at once; None where the system does not say."""
        return peak_bytes(self._process.pid)

    def _start(self) -> tuple[int, subprocess.Popen[bytes]]:
        self._place = _free_place()
        port = int(self._place.getsockname()[1])
        if sys.platform != "linux":
            self._place.close()
        home = str(Path(serving.__file__ or "").resolve().parents[1])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part != ""),
            "SLIPWAY_MODEL_DIR": str(self._folder),
            "SLIPWAY_BIND_HOST": HOST,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_MULTI_MODEL": "false",
            "SLIPWAY_THREADS": str(self._threads),
            "SLIPWAY_MAX_BODY_BYTES": str(1 << 30),  # inputs are the data scientist's own
            "SLIPWAY_REQUEST_SECONDS": "3600",  # and so is the time that they take
            "SLIPWAY_LOG_LEVEL": "error",
        }
        self._begun = time.perf_counter()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "serving"],
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._place.close()
            raise HostError(f"the server cannot be started: {error.strerror}") from error
        return port, process

    def _invoke(self, document: dict[str, Any], wanted: str) -> bytes:
        sent = {key: value for key, value in document.items() if value is not None}
        status, body = self._request("POST", "/invocations", json.dumps(sent).encode(), wanted)
        if status != OK:
            raise GateError(f"the server answers {status}: {body.decode(errors='replace')[:300]}")
        return body

    def _request(self, method: str, path: str, body: bytes | None, wanted: str = JSON) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": JSON, "Accept": wanted})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _last_words(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _free_place() -> socket.socket:
    """Return a socket at a port that nobody else is given while it is open, and the server all the same.

    On Linux who asks for the address to be used again, as the server does, listens beside one that asked for it too and
    does not listen. Elsewhere the port is free until somebody takes it.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind((HOST, 0))
    return place
