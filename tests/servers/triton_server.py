"""Model repositories as files, and the real tritonserver on them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.local_cloud.child import python_path
from slipway.local_cloud.ports import free_port
from slipway.specs.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from slipway.specs.manifest import ServedModel

BINARY = "application/vnd.sagemaker-triton.binary+json;json-header-size="
_TYPES: dict[str, str] = {"FP32": "<f4", "INT64": "<i8", "INT32": "<i4"}
_PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Built:
    """A built model: its manifest, and the archive beside it."""

    served: ServedModel
    archive: Path

    @classmethod
    def at(cls, folder: Path) -> Built:
        packed = Manifest.model_validate_json((folder / "manifest.json").read_bytes()).packed
        assert packed is not None
        return cls(packed, folder / "model.tar.gz")

    def names(self) -> tuple[str, ...]:
        with tarfile.open(self.archive) as files:
            return tuple(files.getnames())

    def unpack(self, into: Path) -> Path:
        with tarfile.open(self.archive) as files:
            files.extractall(into, filter="data")
        return into

    def write(self, layout: Mapping[str, bytes | str], into: Path) -> Path:
        """Write a layout as the container finds it."""
        with tarfile.open(self.archive) as files:
            for name, content in layout.items():
                file = into / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else _read(files, content))
        return into


def _read(files: tarfile.TarFile, name: str) -> bytes:
    member = files.extractfile(name)
    assert member is not None
    return member.read()


@dataclass
class Answer:
    status: int
    media: str
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    def tensor(self, name: str) -> np.ndarray:
        found = next(each for each in self.document["outputs"] if each["name"] == name)
        return np.array(found["data"]).reshape(found["shape"])


@dataclass
class Triton:
    """One running tritonserver in SageMaker mode."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers.get("content-type", ""), response.read())
        finally:
            connection.close()

    def infer(self, tensors: list[dict[str, Any]], path: str = "/invocations", **headers: str) -> Answer:
        return self.ask("POST", path, json.dumps({"inputs": tensors}).encode(), **headers)

    def ready(self) -> bool:
        try:
            return self.ask("GET", "/ping").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()


def texts(*inputs: str) -> list[dict[str, Any]]:
    return [{"name": "inputs", "shape": [len(inputs), 1], "datatype": "BYTES", "data": list(inputs)}]


def numbers(name: str, array: np.ndarray) -> list[dict[str, Any]]:
    return [{"name": name, "shape": list(array.shape), "datatype": "FP32", "data": array.ravel().tolist()}]


def binary(name: str, array: np.ndarray) -> tuple[bytes, str]:
    """Return a request in Triton's binary protocol, and its media type."""
    raw = array.astype("<f4").tobytes()
    tensor = {
        "name": name,
        "shape": list(array.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(raw)},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + raw, f"{BINARY}{len(head)}"


def read_binary(answer: Answer) -> dict[str, np.ndarray]:
    """Return the numbers of an answer in the binary protocol, by name."""
    size = int(answer.media.removeprefix(BINARY))
    head, rest, found = json.loads(answer.body[:size]), answer.body[size:], {}
    for tensor in head["outputs"]:
        kind = _TYPES.get(tensor["datatype"])
        length = tensor["parameters"]["binary_data_size"]
        if kind is not None:
            found[tensor["name"]] = np.frombuffer(rest[:length], np.dtype(kind)).reshape(tensor["shape"])
        rest = rest[length:]
    return found


@contextmanager
def started(folder: Path, log: Path, **variables: str) -> Iterator[Triton]:
    """Start the server on a repository; it may end at once, which its caller sees."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path(),
        "HOME": str(log.parent),
        "SLIPWAY_MODEL_DIR": str(folder),
        "SAGEMAKER_TRITON_LOG_VERBOSE": "false",
        **variables,
    }
    command = [sys.executable, "-m", "slipway.local_cloud.hosts.triton_process", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        yield Triton(process, port, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def serving(folder: Path, log: Path, **variables: str) -> Iterator[Triton]:
    """Start the server on a repository and wait until it is ready."""
    with started(folder, log, **variables) as triton:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not triton.ready():
            assert triton.process.poll() is None, triton.lines()[-5:]
            assert time.monotonic() < end, triton.lines()[-5:]
            time.sleep(0.1)
        yield triton
