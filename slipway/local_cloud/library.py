"""The models of a multi-model container: fetched and loaded when asked for, unloaded when another needs the room."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from .model_files import ModelFiles
from .server_process import INVOCATION_SECONDS, ServerDownError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .exchange import Reply
    from .server_process import ServerProcess

_log = logging.getLogger("slipway.local_cloud")

TARGET_MODEL: Final = "x-amzn-sagemaker-target-model"
# Source: SageMaker developer guide, "Invoke a Multi-Model Endpoint".
LOAD_SECONDS: Final = 360.0


class ModelNotReadyError(Exception):
    """A model that is still being fetched or loaded, beyond the time that its caller is given."""


class LoadError(Exception):
    """A model that the server did not load; ``reply`` is what it said."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass
class _Loaded:
    """One model in memory, or on its way there.

    Args:
        name: What the server calls it.
        loading: Done once it is in memory.
        used: When it was asked for, in order.
        users: Requests that wait for it or that it is answering.
    """

    name: str
    loading: asyncio.Task[None]
    used: int
    users: int = 0


class Library:
    """The models of one container.

    Args:
        server: Has them in memory.
        folder: Has their files.
        prefix: In S3; the archives lie below it.
        cached: Whether a model stays in memory once it was asked for.
    """

    def __init__(self, server: ServerProcess, folder: Path, prefix: str, *, cached: bool) -> None:
        self._server = server
        self._files = ModelFiles(folder, prefix)
        self._cached = cached
        self.on_use: Callable[[bool, float], None] = lambda _hit, _seconds: None
        """Hears of each request that got its model: whether it was in memory, and else how many seconds it waited."""
        self._models: dict[str, _Loaded] = {}
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._gates: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._squeeze = asyncio.Lock()
        self._posting = 0
        self._pid: int | None = None

    def open(self, s3: Callable[[], Any]) -> None:
        """Say where archives come from."""
        self._files.open(s3)

    @property
    def loaded(self) -> list[str]:
        """The archives whose models are in memory, the one that was asked for last at the end."""
        ready = [(model.used, target) for target, model in self._models.items() if _ready(model)]
        return [target for _, target in sorted(ready)]

    async def invoke(self, body: bytes, headers: Mapping[str, str], seconds: float = INVOCATION_SECONDS) -> Reply:
        """Return the answer of the model that the request names, which is loaded if it is not.

        Raises:
            ArchiveError: If there is no such archive.
            LoadError: If the server does not load it.
            ModelNotReadyError: If it is not loaded in time; it goes on loading.
            ServerDownError: If the server is not there.
            TimeoutError: If it does not answer in time.
        """
        target, now = headers[TARGET_MODEL], asyncio.get_running_loop().time
        began = now()
        deadline = began + seconds
        model = self._taken(target)
        hit = _ready(model)
        try:
            await _by(deadline, model.loading)
            self.on_use(hit, now() - began)
            left = deadline - now()
            return await self._server.request("POST", f"/models/{model.name}/invoke", headers, body, left)
        finally:
            await self._returned(target, model)

    def _taken(self, target: str) -> _Loaded:
        if self._pid != self._server.pid:  # the server was restarted, and remembers nothing
            self._pid = self._server.pid
            self._models.clear()
        model = self._models.get(target)
        if model is None or _failed(model):
            name = hashlib.sha256(target.encode()).hexdigest()[:32]
            loading = asyncio.create_task(self._load(target, name))
            loading.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen, also if nobody waits
            model = self._models[target] = _Loaded(name, loading, 0)
        model.used = next(self._order)
        model.users += 1
        return model

    async def _returned(self, target: str, model: _Loaded) -> None:
        model.users -= 1
        self._changed.set()
        ours = self._models.get(target) is model
        if ours and _failed(model):
            del self._models[target]
        elif ours and not self._cached and model.users == 0 and _ready(model):
            await self._unload(target, model)

    async def _load(self, target: str, name: str) -> None:
        folder = await asyncio.to_thread(self._files.fetch, target)
        self._posting += 1
        try:
            reply = await self._post(target, name, folder)
        finally:
            self._posting -= 1
            self._changed.set()
        if reply.status == HTTPStatus.INSUFFICIENT_STORAGE:
            async with self._squeeze:
                reply = await self._load_in_place_of_others(target, name, folder, reply)
        if reply.status not in (HTTPStatus.OK, HTTPStatus.CONFLICT):
            raise LoadError(reply)

    async def _load_in_place_of_others(self, target: str, name: str, folder: Path, reply: Reply) -> Reply:
        """Unload what was used least recently, model by model, until this one fits or nothing else is in memory."""
        while reply.status == HTTPStatus.INSUFFICIENT_STORAGE:
            self._changed.clear()
            ready = [other for other, model in self._models.items() if _ready(model)]
            idle = [other for other in ready if self._models[other].users == 0]
            if idle:
                oldest = min(idle, key=lambda other: self._models[other].used)
                await self._unload(oldest, self._models[oldest])
            elif ready or self._posting > 0:
                await self._changed.wait()
            else:
                break
            reply = await self._post(target, name, folder)
        return reply

    async def _post(self, target: str, name: str, folder: Path) -> Reply:
        wanted = json.dumps({"model_name": name, "url": str(folder)}).encode()
        headers = {"content-type": "application/json", TARGET_MODEL: target}
        async with self._gates[name]:
            return await self._server.request("POST", "/models", headers, wanted, LOAD_SECONDS)

    async def _unload(self, target: str, model: _Loaded) -> None:
        del self._models[target]
        _log.info("model %s is unloaded", target)
        # Nobody gets through this gate in between: whoever asks for it now loads it after it is gone.
        async with self._gates[model.name]:
            with contextlib.suppress(ServerDownError, TimeoutError):  # a server that dies forgets it as well
                await self._server.request("DELETE", f"/models/{model.name}", {}, b"", LOAD_SECONDS)
        self._changed.set()


async def _by(deadline: float, loading: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout_at(deadline):
            await asyncio.shield(loading)
    except TimeoutError:
        raise ModelNotReadyError from None


def _ready(model: _Loaded) -> bool:
    return model.loading.done() and not _failed(model)


def _failed(model: _Loaded) -> bool:
    return model.loading.done() and (model.loading.cancelled() or model.loading.exception() is not None)
