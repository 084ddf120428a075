"""The servers that ours is compared with, each as its makers ship it, around the same model code and the same file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.load import OK, PROJECT, SENTENCE, running_server
from slipway.local_cloud.ports import free_port
from slipway.specs.servers.toolkit import inference_py
from tests.servers.environments import environment
from tests.servers.toolkits import answered, torchserve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent / "peer_models"
PYTHON = "{}.{}".format(*sys.version_info)
DEADLINE_SECONDS = 120
JSON = {"content-type": "application/json"}
CONFIG = """
name: "embedder"
backend: "python"
input [{{ name: "inputs" data_type: TYPE_STRING dims: [-1] }}]
output [{{ name: "embeddings" data_type: TYPE_FP32 dims: [-1, -1] }}]
instance_group [{{ count: {workers} kind: KIND_CPU }}]
parameters {{ key: "threads" value: {{ string_value: "{threads}" }} }}
parameters {{ key: "folder" value: {{ string_value: "{folder}" }} }}
"""


@dataclass(frozen=True)
class Server:
    """One that runs.

    Args:
        port: On loopback.
        body: Makes that of a request for `/invocations`, of texts.
        vectors: Takes the embeddings out of an answer.
    """

    port: int
    body: Callable[[list[str]], bytes]
    vectors: Callable[[Any], Any]


@contextmanager
def ours(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run our own: one process, whose sessions share the threads that the others have in workers."""
    with running_server(folder, workers * threads) as port:
        yield Server(port, _inputs, _ours)


@contextmanager
def ours_in_workers(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run our own in as many processes as the others."""
    with running_server(folder, threads, SLIPWAY_WORKERS=str(workers)) as port:
        yield Server(port, _inputs, _ours)


@contextmanager
def bare(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run what no server can undercut: a thread a connection, and nothing around the model."""
    port = free_port()
    words = [str(HERE / "bare.py"), str(folder), str(port), str(workers), str(threads)]
    with _process([sys.executable, *words], os.environ | {"PYTHONPATH": str(PROJECT)}, port, _inputs([SENTENCE])):
        yield Server(port, _inputs, _ours)


@contextmanager
def torchserve_toolkit(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run TorchServe 0.12 with SageMaker's toolkit on the layout of `server: torchserve`."""
    variables = {"SAGEMAKER_MODEL_SERVER_WORKERS": str(workers), "SLIPWAY_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as base:
        shutil.copytree(folder, Path(base) / "model")
        shutil.copytree(PROJECT / "serving", Path(base) / "model" / "code" / "serving")
        (Path(base) / "model" / "code" / "inference.py").write_bytes(inference_py("transform_fn"))
        with torchserve(Path(base), variables, {"inputs": [SENTENCE]}) as running:
            answered(running)
            yield Server(running.port, _inputs, _ours)


@contextmanager
def litserve(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run LitServe with its own defaults, except that its answer is written by orjson."""
    port = free_port()
    made = environment("litserve", over_project=True)
    words = [str(HERE / "litserve_api.py"), str(folder), str(port), str(workers), str(threads)]
    with _process(
        [str(made / "bin" / "python"), *words], os.environ | {"PYTHONPATH": str(PROJECT)}, port, _inputs([SENTENCE])
    ):
        yield Server(port, _inputs, _ours)


@contextmanager
def triton(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run pytriton's tritonserver in SageMaker mode, its python backend with as many instances as workers."""
    port = free_port()
    made = environment("triton")
    root = made / "lib" / f"python{PYTHON}" / "site-packages" / "pytriton" / "tritonserver"
    stub = root / "backends" / "python" / "triton_python_backend_stub"
    if not stub.is_file():
        shutil.copy2(root / "python_backend_stubs" / PYTHON / stub.name, stub)
    variables = os.environ | {
        "PATH": f"{made / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "embedder",
    }
    with tempfile.TemporaryDirectory() as repository:
        model = Path(repository) / "embedder"
        (model / "1").mkdir(parents=True)
        shutil.copy(HERE / "triton_model.py", model / "1" / "model.py")
        (model / "config.pbtxt").write_text(CONFIG.format(workers=workers, threads=threads, folder=folder))
        words = ["--allow-sagemaker=true", "--allow-http=false", "--allow-grpc=false", "--allow-metrics=false"]
        words += [f"--sagemaker-port={port}", f"--model-repository={repository}", "--log-info=false"]
        command = [str(root / "bin" / "tritonserver"), *words, f"--backend-directory={root / 'backends'}"]
        with _process(command, variables, port, _tensor([SENTENCE])):
            yield Server(port, _tensor, _triton)


PEERS = {
    "server": ours,
    "workers": ours_in_workers,
    "bare": bare,
    "torchserve": torchserve_toolkit,
    "triton": triton,
    "litserve": litserve,
}


def _inputs(texts: list[str]) -> bytes:
    return json.dumps({"inputs": texts}).encode()


def _tensor(texts: list[str]) -> bytes:
    tensor = {"name": "inputs", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    return json.dumps({"inputs": [tensor]}).encode()


def _ours(document: Any) -> Any:
    return document["embeddings"]


def _triton(document: Any) -> Any:
    [output] = document["outputs"]
    rows, columns = output["shape"]
    return [output["data"][row * columns : (row + 1) * columns] for row in range(rows)]


@contextmanager
def _process(command: list[str], variables: dict[str, str], port: int, body: bytes) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)  # noqa: S603  what this module made
        try:
            _wait(process, port, body)
            yield
        except SystemExit:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # LitServe leaves its workers behind otherwise
            process.wait(60)


def _wait(process: subprocess.Popen[bytes], port: int, body: bytes) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            asked = httpx.post(f"http://127.0.0.1:{port}/invocations", content=body, headers=JSON)
        except httpx.TransportError:
            asked = None
        if asked is not None and asked.status_code == OK:
            return
        time.sleep(0.2)
    raise SystemExit(f"{process.args!r}: no answer")
