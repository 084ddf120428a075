"""The model server against raw `session.run`, in interleaved rounds of one run.

    python benchmarks/serving.py [--model FOLDER_OR_ARCHIVE] [--rounds 15] [--seconds 1.0]

`raw` is what ONNX Runtime gives to a program that does nothing else: tokens ready, output thrown away. With one caller
its session has all threads; with sixteen it has one thread a call and as many callers as threads, the best of the
arrangements that were measured. `predict` adds the tokenizer and the pooling, in process. `server` is all of it over
HTTP, from one process with plain sockets and epoll, on the same cores; `joined` asks the model for up to eight requests
at once, `workers` does so in two processes. Ratios are to raw within one round; the processor's time that an answer
takes, threads that wait for work by spinning included, says what is left of them on a busy machine.
"""
# ruff: noqa: E402  the environment and the path come before what reads them

from __future__ import annotations

import argparse
import json
import os
import random
import select
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # as the server has it
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PROJECT = Path(__file__).resolve().parents[1]
sys.path[0] = str(PROJECT)  # instead of this folder, where this file would be `serving`

import httptools
import psutil

from serving import runtimes
from serving.manifest import Tokenize
from serving.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONCURRENCIES = (1, 16)
JOINED = {"SLIPWAY_BATCH_SIZE": "8"}
OK = 200
SENTENCE = "the quick brown fox jumps over the lazy dog beside the old stone bridge"  # 16 tokens for BERT


@dataclass
class Series:
    """Rates of the rounds, and the latencies of all requests, in seconds."""

    rates: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def add(self, latencies: list[float], seconds: float, busy_seconds: float) -> None:
        """Add one round."""
        self.rates.append(len(latencies) / seconds)
        self.busy_ms.append(busy_seconds / max(1, len(latencies)) * 1000)
        self.latencies += latencies


class Raw:
    """Calls a function from several threads for a while."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def busy_seconds(self) -> float:
        """Return the processor's time so far."""
        return time.process_time()

    def drive(self, callers: int, seconds: float) -> list[float]:
        """Return the latencies of `callers` at once for `seconds`."""
        latencies: list[list[float]] = [[] for _ in range(callers)]
        end = time.perf_counter() + seconds
        threads = [threading.Thread(target=self._loop, args=(mine, end)) for mine in latencies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [latency for mine in latencies for latency in mine]

    def _loop(self, latencies: list[float], end: float) -> None:
        began = time.perf_counter()
        while began < end:
            self._call()
            now = time.perf_counter()
            latencies.append(now - began)
            began = now


class Connection:
    """One keep-alive connection that always has one request on its way."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self._done = False
        self.began = 0.0

    def send(self) -> None:
        """Send the request."""
        self._done = False
        self.began = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Tell whether the answer is complete."""
        self._parser.feed_data(self.socket.recv(262144))
        return self._done

    def on_message_complete(self) -> None:
        """Hear from the parser that the answer is complete."""
        if self._parser.get_status_code() != OK:
            raise SystemExit(f"the server answered {self._parser.get_status_code()}")
        self._done = True


class Client:
    """Drives the server from one thread."""

    def __init__(self, process: psutil.Process, port: int, body: bytes) -> None:
        self._process = process
        head = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        request = head + b"content-length: %d\r\n\r\n" % len(body) + body
        self._connections = [Connection(port, request) for _ in range(max(CONCURRENCIES))]

    def busy_seconds(self) -> float:
        """Return the processor's time of the server so far."""
        times = [each.cpu_times() for each in (self._process, *self._process.children())]
        return float(sum(each.user + each.system for each in times))

    def drive(self, callers: int, seconds: float) -> list[float]:
        """Return the latencies of `callers` at once for `seconds`."""
        latencies: list[float] = []
        epoll = select.epoll()
        busy = {connection.socket.fileno(): connection for connection in self._connections[:callers]}
        end = time.perf_counter() + seconds
        for number, connection in busy.items():
            epoll.register(number, select.EPOLLIN)
            connection.send()
        while busy:
            for number, _ in epoll.poll():
                if not busy[number].receive():
                    continue
                now = time.perf_counter()
                if now < end:
                    latencies.append(now - busy[number].began)
                    busy[number].send()
                else:
                    del busy[number]
        epoll.close()
        return latencies


@contextmanager
def running_server(folder: Path, settings: dict[str, str]) -> Iterator[tuple[psutil.Process, int]]:
    """Start the server on a free port, wait until it is ready, end it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MODEL_DIR": str(folder),
        **settings,
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", "serving"], env=environment, cwd=PROJECT, stdout=log)
        try:
            wait_until_ready(process, port)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
                if b" 200 " in connection.recv(64):
                    return
        except ConnectionError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"the server ended with code {process.returncode}")


def raw_call(folder: Path, model: Model, threads: int, inputs: list[Any]) -> Callable[[], object]:
    """Return a call of the runtime alone, on tensors that are ready."""
    manifest = model.manifest
    session = runtimes.load(manifest.runtime, folder / manifest.model_file, threads=threads, options=manifest.options)
    return partial(session.run, manifest.outputs[0].name, model.preprocess(inputs))


def contestants(
    folder: Path, clients: dict[str, Client], threads: int, inputs: list[Any]
) -> dict[tuple[str, int], Raw | Client]:
    result: dict[tuple[str, int], Raw | Client] = {}
    for callers in CONCURRENCIES:
        model = Model.load(folder, threads=threads if callers == 1 else 1)
        result["raw", callers] = Raw(raw_call(folder, model, threads if callers == 1 else 1, inputs))
        result["predict", callers] = Raw(partial(model.predict, inputs))
        result |= {(name, callers): client for name, client in clients.items()}
    return result


def race(folder: Path, *, threads: int, rounds: int, seconds: float) -> dict[tuple[str, int], Series]:
    manifest = Model.load(folder, threads=1).manifest
    inputs = [SENTENCE] if isinstance(manifest.preprocess, Tokenize) else manifest.example
    all_threads, half = {"SLIPWAY_THREADS": str(threads)}, {"SLIPWAY_THREADS": str(max(1, threads // 2))}
    kinds = {
        "server": all_threads,
        "joined": all_threads | JOINED,
        "workers": half | JOINED | {"SLIPWAY_WORKERS": "2"},
    }
    body = json.dumps({"inputs": inputs}).encode()
    with ExitStack() as running:
        servers = {name: running.enter_context(running_server(folder, settings)) for name, settings in kinds.items()}
        clients = {name: Client(process, port, body) for name, (process, port) in servers.items()}
        field_ = contestants(folder, clients, threads, inputs)
        series = {key: Series() for key in field_}
        for number in range(rounds + 1):
            for key in random.sample(list(field_), len(field_)):
                kind, callers = key
                before = field_[key].busy_seconds()
                latencies = field_[key].drive(callers if kind in clients else min(callers, threads), seconds)
                if number > 0:  # the first round warms up
                    series[key].add(latencies, seconds, field_[key].busy_seconds() - before)
    return series


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def report(series: dict[tuple[str, int], Series]) -> None:
    print("callers  of        answers/s      ratio to raw (p25-p75)    p50 ms    p99 ms   busy ms")
    for callers in CONCURRENCIES:
        for kind in ("raw", "predict", "server", "joined", "workers"):
            mine, raw = series[kind, callers], series["raw", callers]
            low, middle, high = quartiles([a / b for a, b in zip(mine.rates, raw.rates, strict=True)])
            cuts = statistics.quantiles(mine.latencies, n=100)
            print(
                f"{callers:7d}  {kind:8s} {statistics.median(mine.rates):10.1f}"
                f"      {middle:5.3f} ({low:.3f}-{high:.3f})      {cuts[49] * 1000:9.3f} {cuts[98] * 1000:9.3f}"
                f" {statistics.median(mine.busy_ms):9.2f}"
            )


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Give the folder of the model, unpacking an artifact's archive for the time being."""
    archive = source / "model.tar.gz" if source.is_dir() else source
    if not archive.is_file():
        yield source
        return
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        yield Path(folder)


def newest_artifact() -> Path:
    found = sorted(PROJECT.glob("artifacts/minilm/*/model.tar.gz"), key=lambda path: path.stat().st_mtime)
    if len(found) == 0:
        raise SystemExit("artifacts/minilm: empty, run `slipway build minilm` or name a folder with --model")
    return found[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="an artifact's folder or archive; default: the newest of minilm")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    with unpacked(options.model or newest_artifact()) as folder:
        report(race(folder, threads=options.threads, rounds=options.rounds, seconds=options.seconds))


if __name__ == "__main__":
    main()
