"""What the benchmarks of servers load them with, and how they count."""

from __future__ import annotations

import itertools
import os
import select
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[1]
OK = 200
SENTENCE = "the quick brown fox jumps over the lazy dog beside the old stone bridge"  # 16 tokens for BERT


@dataclass
class Series:
    """Rates of the rounds, and the latencies of all requests, in seconds."""

    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def add(self, latencies: list[float], seconds: float) -> None:
        """Add one round."""
        self.rates.append(len(latencies) / seconds)
        self.latencies += latencies


class Raw:
    """Calls a function from several threads for a while."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

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

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._parser = httptools.HttpResponseParser(self)
        self._done = False
        self.began = 0.0

    def send(self) -> None:
        """Send the request."""
        self._done = False
        self.began = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def receive(self) -> bool:
        """Tell whether the answer is complete."""
        received = self.socket.recv(262144)
        if received == b"":
            raise SystemExit("the server closed a connection that waits for an answer")
        self._parser.feed_data(received)
        return self._done

    def on_message_complete(self) -> None:
        """Hear from the parser that the answer is complete."""
        if self._parser.get_status_code() != OK:
            raise SystemExit(f"the server answered {self._parser.get_status_code()}")
        self._done = True


class Client:
    """Drives a server from one thread, with plain sockets and epoll, one body after the other, round and round."""

    def __init__(self, port: int, *bodies: bytes) -> None:
        head = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        requests = [head + b"content-length: %d\r\n\r\n" % len(body) + body for body in bodies]
        self._port, self._requests = port, itertools.cycle(requests)

    def drive(self, callers: int, seconds: float) -> list[float]:
        """Return the latencies of `callers` at once for `seconds`; a server may have closed what was idle before."""
        latencies: list[float] = []
        connections = [Connection(self._port, self._requests) for _ in range(callers)]
        busy = {connection.socket.fileno(): connection for connection in connections}
        with closing(select.epoll()) as epoll:
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
                        epoll.unregister(number)
                        busy.pop(number).socket.close()
        return latencies


@contextmanager
def running_server(folder: Path, threads: int, **settings: str) -> Iterator[int]:
    """Start the server on a free port, with further settings of its own, wait until it is ready, end it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MODEL_DIR": str(folder),
        "SLIPWAY_THREADS": str(threads),
        **settings,
    }
    with tempfile.TemporaryFile() as log:
        # A session of its own, as the peers have: Linux shares the cores between sessions where it groups by them.
        command = [sys.executable, "-m", "serving"]
        process = subprocess.Popen(  # noqa: S603  our own
            command, env=environment, cwd=PROJECT, stdout=log, start_new_session=True
        )
        try:
            wait_until_ready(process, port)
            yield port
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when /ping answers 200."""
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


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the quarter, the half and the three quarters."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


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


def newest_artifact(model: str) -> Path:
    """Return the archive of the artifact that was built last."""
    found = sorted(PROJECT.glob(f"artifacts/{model}/*/model.tar.gz"), key=lambda path: path.stat().st_mtime)
    if len(found) == 0:
        raise SystemExit(f"artifacts/{model}: empty, run `slipway build {model}` or name a folder with --model")
    return found[-1]
