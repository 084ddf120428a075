"""Tiny seeded models, and the real server process on them."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from slipway.local_cloud.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[2]
WORDS = ("[PAD]", "[UNK]", "a", "ship", "slides", "into", "the", "sea", "slowly")
LABELS = ("red", "green", "blue")
WIDTH = 8
_PATIENCE_SECONDS = 240


GATE = """
import time


def load(folder):
    global gate
    gate = folder / "gate"
    while (folder / "loading").exists():
        time.sleep(0.01)


def preprocess(request):
    inputs = request.json()["inputs"]
    while inputs[0][0] == -1 and gate.exists():
        gate.with_name("reached").touch()
        time.sleep(0.01)
    return inputs
"""


@dataclass(frozen=True)
class Gated:
    """The classifier with a gate, at which requests wait in the model's thread until it is opened."""

    folder: Path

    def body(self) -> dict[str, Any]:
        """Return a request that waits there."""
        return {"inputs": [[-1.0, 0.1, 0.2, 0.3]]}

    def is_reached(self) -> bool:
        """Whether one waits in the thread: what waits with it in the queue is not joined with it any more."""
        return (self.folder / "reached").exists()

    def open(self) -> None:
        (self.folder / "gate").unlink()

    def close_loading(self) -> None:
        """Let whoever loads the model from now on wait."""
        (self.folder / "loading").touch()

    def open_loading(self) -> None:
        (self.folder / "loading").unlink()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.document["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.document["error"]["message"])


class Server:
    """One running `python -m serving`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path, errors: Path) -> None:
        self.process = process
        self.port = port
        self._log = log
        self._errors = errors

    @property
    def log(self) -> list[dict[str, Any]]:
        whole = self._log.read_text().rpartition("\n")[0]  # the last line may be half written
        return [line for line in map(json.loads, whole.splitlines()) if "_aws" not in line]

    @property
    def metric_lines(self) -> list[dict[str, Any]]:
        """Return the lines that CloudWatch reads."""
        whole = self._log.read_text().rpartition("\n")[0]
        return [line for line in map(json.loads, whole.splitlines()) if "_aws" in line]

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == "request"]

    def line(self, request_id: str) -> dict[str, Any]:
        """Return the line of a request; it is written just after the answer."""
        self.wait_for(lambda: any(line["request_id"] == request_id for line in self.requests()))
        return next(line for line in self.requests() if line["request_id"] == request_id)

    def ask(
        self,
        body: Any = None,
        *,
        method: str = "POST",
        path: str = "/invocations",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            fields = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def ping(self) -> int:
        return self.ask(method="GET", path="/ping").status

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)

    @staticmethod
    def receive(connection: socket.socket) -> bytes:
        """Return one whole answer; headers and body may come apart."""
        data = connection.recv(65536)
        while (length := re.search(rb"content-length: (\d+)\r\n.*?\r\n\r\n", data, re.DOTALL)) is None or (
            len(data) < length.end() + int(length[1])
        ):
            chunk = connection.recv(65536)
            assert chunk, f"the connection was closed after {data!r}"
            data += chunk
        return data

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(_PATIENCE_SECONDS)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.005)

    def wait_for_admitted(self, count: int) -> None:
        """Wait until so many requests wait for the model of a server of one process, or are being answered."""
        self.wait_for(lambda: self.admitted() == count)

    def admitted(self) -> float:
        """Return how many do now."""
        told = self.ask(method="GET", path="/metrics").body.decode().splitlines()
        return sum(
            float(line.split()[1])
            for line in told
            if line.startswith(("slipway_requests_in_flight ", "slipway_queue_length "))
        )

    def wait_for_status(self, status: int) -> None:
        def answered() -> bool:
            try:
                return self.ping() == status
            except OSError:
                assert self.process.poll() is None, self.errors
                return False

        self.wait_for(answered)


@contextmanager
def started(folder: Path, logs: Path, *, ready: bool = True, **environment: str) -> Iterator[Server]:
    port = free_port()
    variables = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MODEL_DIR": str(folder),
        "SLIPWAY_THREADS": "2",
    } | environment
    log, errors = logs / f"{port}.log", logs / f"{port}.err"
    command = [sys.executable, "-m", "serving", "serve"]
    with log.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=PROJECT, env=variables, stdout=stdout, stderr=stderr)
    server = Server(process, port, log, errors)
    try:
        if ready:
            server.wait_for_status(200)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Any]:
    """Return a context manager that runs the server on a folder; keywords are environment variables."""

    def start_here(folder: Path, *, ready: bool = True, **environment: str) -> Any:
        return started(folder, tmp_path, ready=ready, **environment)

    return start_here


def _manifest(**fields: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": "tiny",
        "digest": "0" * 64,
        "task": "test",
        "target": "cpu-fp32",
        "runtime": "onnxruntime",
        "model_file": "model.onnx",
    } | fields


def _save(folder: Path, graph: onnx.GraphProto, manifest: dict[str, Any]) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / "model.onnx")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_classifier(folder: Path) -> Path:
    """Write logits = x W + b + 0 * (the state of a loop of int(max(x)) steps): the caller says how long it takes."""
    random = np.random.default_rng(7)
    weights = random.normal(size=(4, 3)).astype(np.float32)
    step = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "spin"], ["next"]),
            helper.make_node("Identity", ["go"], ["still"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [64, 64]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [64, 64]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
            helper.make_node("Cast", ["largest"], ["steps"], to=TensorProto.INT64),
            helper.make_node("Loop", ["steps", "", "spin"], ["state"], body=step),
            helper.make_node("ReduceMax", ["state"], ["top"], keepdims=0),
            helper.make_node("Mul", ["top", "zero"], ["nothing"]),
            helper.make_node("MatMul", ["x", "weights"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["sum"]),
            helper.make_node("Add", ["sum", "nothing"], ["logits"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(random.normal(size=3).astype(np.float32), "bias"),
            numpy_helper.from_array(np.eye(64, dtype=np.float32), "spin"),
            numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
        ],
    )
    manifest = _manifest(
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
        outputs=[{"name": "logits", "dtype": "float32", "shape": ["batch", 3]}],
        preprocess={"kind": "tensor"},
        postprocess={"kind": "classify", "labels": list(LABELS)},
        example={"inputs": [[0.1, 0.2, 0.3, 0.4]]},
    )
    return _save(folder, graph, manifest)


def write_fragile(folder: Path) -> Path:
    """Write logits = log(x): a negative number has no finite answer."""
    graph = helper.make_graph(
        [helper.make_node("Log", ["x"], ["logits"])],
        "fragile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
    )
    manifest = _manifest(
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 3]}],
        outputs=[{"name": "logits", "dtype": "float32", "shape": ["batch", 3]}],
        preprocess={"kind": "tensor"},
        postprocess={"kind": "classify", "labels": list(LABELS)},
        example={"inputs": [[1.0, 2.0, 3.0]]},
    )
    return _save(folder, graph, manifest)


def write_encoder(folder: Path, *, pooling: str = "mean", normalize: bool = True, max_length: int = 6) -> Path:
    """Write token vectors = table[input_ids] + mask / 2, so that the mask is an input that is used."""
    table = np.random.default_rng(11).normal(size=(len(WORDS), WIDTH)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["gathered"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["mask", "half"], ["halved"]),
            helper.make_node("Unsqueeze", ["halved", "last"], ["column"]),
            helper.make_node("Add", ["gathered", "column"], ["last_hidden_state"]),
        ],
        "encoder",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", WIDTH])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array(0.5, dtype=np.float32), "half"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
        ],
    )
    numbers = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))  # noqa: S106  a token, not a password
    tokenizer.pre_tokenizer = Whitespace()
    # Saved with a fixed length, as some are: the server must undo it.
    tokenizer.enable_padding(length=32, pad_id=0, pad_token="[PAD]")  # noqa: S106  a token, not a password
    tokenizer.save(str(folder / "tokenizer.json"))
    manifest = _manifest(
        inputs=[
            {"name": name, "dtype": "int64", "shape": ["batch", "length"]} for name in ("input_ids", "attention_mask")
        ],
        outputs=[{"name": "last_hidden_state", "dtype": "float32", "shape": ["batch", "length", WIDTH]}],
        preprocess={"kind": "tokenize", "tokenizer_file": "tokenizer.json", "max_length": max_length},
        postprocess={"kind": "embed", "pooling": pooling, "normalize": normalize, "dimensions": WIDTH},
        example={"inputs": ["the ship slides"]},
    )
    return _save(folder, graph, manifest)


def direct_logits(folder: Path, x: np.ndarray) -> np.ndarray:
    """Return what the model says without any code of ours."""
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logits"], {"x": x.astype(np.float32)})[0])


def direct_tokens(folder: Path, ids: list[int]) -> np.ndarray:
    """Return the token vectors of one unpadded text without any code of ours."""
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    array = np.array([ids], dtype=np.int64)
    return np.asarray(session.run(None, {"input_ids": array, "attention_mask": np.ones_like(array)})[0][0])


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("classifier"))


@pytest.fixture
def gated(classifier: Path, tmp_path: Path) -> Gated:
    folder = tmp_path / "gated"
    shutil.copytree(classifier, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"handler": "handler.py"}))
    (folder / "handler.py").write_text(GATE)
    (folder / "gate").touch()
    return Gated(folder)


@pytest.fixture(scope="session")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fragile(tmp_path_factory.mktemp("fragile"))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def make_encoder(tmp_path: Path) -> Callable[..., Path]:
    def make(**changes: Any) -> Path:
        folder = tmp_path / "encoder"
        folder.mkdir()
        return write_encoder(folder, **changes)

    return make


@pytest.fixture(scope="session")
def tokens() -> Callable[[Path, list[int]], np.ndarray]:
    return direct_tokens


@pytest.fixture(scope="session")
def probabilities() -> Callable[[Path, Any], np.ndarray]:
    def softmax(folder: Path, inputs: Any) -> np.ndarray:
        powers = np.exp(direct_logits(folder, np.array(inputs)).astype(np.float64))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    return softmax


@pytest.fixture(scope="session")
def lasting(classifier: Path) -> Callable[[float], dict[str, Any]]:
    """Return a request that keeps the classifier busy for about so many seconds on this machine."""
    alone = onnxruntime.SessionOptions()
    alone.intra_op_num_threads = 1  # several wait for each other, over matrices as small as these
    session = onnxruntime.InferenceSession(classifier / "model.onnx", alone, providers=["CPUExecutionProvider"])
    steps, seconds = 10_000, list[float]()
    for _ in range(7):
        began = time.perf_counter()
        session.run(None, {"x": np.full((1, 4), steps, dtype=np.float32)})
        seconds.append(time.perf_counter() - began)
    rate = steps / statistics.median(seconds)
    return lambda seconds: {"inputs": [[float(int(rate * seconds)), 0.0, 0.0, 0.0]]}


@pytest.fixture(scope="session")
def classifier_server(classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(classifier, tmp_path_factory.mktemp("logs"), SLIPWAY_MAX_BODY_BYTES="100000") as server:
        yield server


@pytest.fixture(scope="session")
def encoder_server(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(encoder, tmp_path_factory.mktemp("logs"), SLIPWAY_MAX_BATCH="4") as server:
        yield server
