"""The process: its port, its signals, its life from loading to drained."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from time import perf_counter
from typing import TYPE_CHECKING, Any

import uvicorn

from serving import emf, log, manifest
from serving import engine as engines
from serving.app import App
from serving.doorman import Doorman
from serving.engine import Engine
from serving.errors import ModelError, PortError, ServingError, StuckError
from serving.forks import part_from_forks
from serving.heads import HeadProtocol
from serving.multi_app import MultiApp
from serving.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.settings import Settings
    from serving.team import Member

_BACKLOG = 2048

# Callers keep connections for reuse; one that closes under a caller's hand costs it a retry.
_KEEP_ALIVE_SECONDS = 75


def serve(settings: Settings) -> int:
    """Serve until a signal ends it, and return the exit code.

    Raises:
        ServingError: If the manifest, the port or the model does not allow it.
    """
    if not settings.multi_model:
        manifest.read(settings.model_dir)  # what cannot be served binds no port
    listener = _bind(settings.host, settings.port)
    part_from_forks(settings.port)
    if settings.workers > 1:
        return Supervisor(settings, listener, _serve).run()
    return _serve(settings, listener)


def _serve(
    settings: Settings, listener: socket.socket, engine: Engine | None = None, member: Member | None = None
) -> int:
    process = _Process(settings, listener, engine, member)
    process.run()
    if process.failure is not None:
        raise process.failure
    return 0


def _protocol_of(settings: Settings) -> Any:
    """Return what makes the side of one connection that speaks HTTP; uvicorn says a class, and calls it."""
    return partial(HeadProtocol, head_seconds=settings.head_seconds, idle_seconds=_KEEP_ALIVE_SECONDS)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortError(f"{host}:{port}: cannot be bound: {error.strerror or error}") from error
    return listener


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, member: Member | None) -> None:
        super().__init__(config)
        self._member = member
        self._doorman: Doorman | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections; one of several workers does it with regard to the others."""
        if self._member is None or sockets is None:
            await super().startup(sockets)
            return
        await super().startup([])
        [listener] = sockets
        self._doorman = Doorman(listener, self._member, self._protocol, lambda: len(self.server_state.connections))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and wait for what was accepted."""
        if self._doorman is not None:
            self._doorman.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state={})
        return protocol

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us: uvicorn would raise them again at the end and so spoil the exit code."""
        yield


class _Process:
    def __init__(
        self, settings: Settings, listener: socket.socket, engine: Engine | None, member: Member | None
    ) -> None:
        self.failure: ServingError | None = None
        self._settings = settings
        self._listener = listener
        self._loaded = engine is not None
        self._member = member
        self._engine = engine or Engine(max_batch=settings.max_batch, batch_size=settings.batch_size)
        self._app = MultiApp(settings) if settings.multi_model else App(self._engine, settings, member)
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                self._app,
                http=_protocol_of(settings),
                proxy_headers=False,
                access_log=False,
                log_config=None,
                lifespan="off",
                ws="none",
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=settings.drain_seconds,
            ),
            member,
        )

    def run(self) -> None:
        factory = self._uvicorn.config.get_loop_factory()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._serve())
        log.write("info", "stopped", unfinished=self._app.admitted)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, signal.Signals(number).name)
        if self._settings.multi_model:
            log.write("info", "ready", models_memory_mib=self._settings.models_memory_mib)
        elif self._loaded:
            self._open(0.0)
        else:
            threading.Thread(target=self._load, args=(loop,), name="loader", daemon=True).start()
        beside = [loop.create_task(self._patrol())]
        if self._settings.emf:
            beside.append(loop.create_task(emf.report(self._settings, lambda: self._app.load)))
        await self._uvicorn.serve(sockets=[self._listener])
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)

    async def _patrol(self) -> None:
        try:
            await self._app.patrol()
        except StuckError as stuck:
            log.write("error", "stuck", message=str(stuck))
            self._fail(stuck)  # the others are answered first

    def _stop(self, reason: str) -> None:
        if self._uvicorn.should_exit:
            self._uvicorn.force_exit = True  # asked twice: do not wait
            return
        log.write("info", "draining", reason=reason, admitted=self._app.admitted)
        self._app.drain()
        self._uvicorn.should_exit = True

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        began = perf_counter()
        try:
            # Of several workers each has cores of its own; a second session would only take its memory once more.
            self._engine.load(self._settings.model_dir, self._settings.threads if self._member is None else 1)
        except Exception as error:  # noqa: BLE001  it ends the process, wherever it came from
            failure = error if isinstance(error, ServingError) else ModelError(f"the model does not answer: {error}")
            loop.call_soon_threadsafe(self._fail, failure)
        else:
            loop.call_soon_threadsafe(self._open, perf_counter() - began)

    def _fail(self, failure: ServingError) -> None:
        self.failure = failure
        self._app.drain()
        self._uvicorn.should_exit = True

    def _open(self, seconds: float) -> None:
        if self._engine.state == engines.LOADING:  # not after a signal
            self._engine.state = engines.READY
            worker = {} if self._member is None else {"worker": self._member.number, "pid": os.getpid()}
            log.write("info", "ready", load_seconds=round(seconds, 3), **worker, **self._engine.facts)


def start_facts(settings: Settings) -> dict[str, object]:
    """Return what the first line of the log says."""
    packages = ("onnxruntime", "starlette", "uvicorn", "numpy", "tokenizers")
    return {
        "pid": os.getpid(),
        "host": settings.host,
        "port": settings.port,
        "multi_model": settings.multi_model,
        "model_dir": str(settings.model_dir),
        "workers": settings.workers,
        "threads": settings.threads,
        "queue_limit": settings.queue_limit,
        "max_body_bytes": settings.max_body_bytes,
        "max_batch": settings.max_batch,
        "batch_size": settings.batch_size or "auto",
        "batch_delay_us": settings.batch_delay_us,
        "drain_seconds": settings.drain_seconds,
        "head_seconds": settings.head_seconds,
        "request_seconds": settings.request_seconds,
        "stream_seconds": settings.stream_seconds,
        "heartbeat_seconds": settings.heartbeat_seconds,
        "versions": {name: metadata.version(name) for name in packages},
    }
