"""The models of a multi-model server: loaded, listed and unloaded by name, within a bound of memory."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from serving import engine as engines
from serving import log, memory
from serving.engine import Engine
from serving.errors import RequestError, ServingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MEBI = 1024 * 1024


@dataclass(slots=True)
class Loaded:
    """One model in memory.

    Args:
        url: As the host gave it.
        cost: Bytes that it is accounted for.
        in_flight: Requests that it was given and has not answered yet.
        leaving: Set once the last of them is answered; None while it takes more.
    """

    name: str
    url: str
    engine: Engine
    cost: int
    in_flight: int = 0
    leaving: asyncio.Event | None = None


class Shelf:
    """Loaded models by the name that the host gives them; used in the event loop's thread alone.

    Each has one session of one thread: requests run side by side on the threads that all models share, and a model
    takes its memory once.

    Args:
        limit_mib: What all models together may take. What does not fit is refused with 507, by which the host learns
            that it must unload the one that was used least recently.
        max_batch: Inputs in one request.
    """

    def __init__(self, *, limit_mib: int, max_batch: int) -> None:
        self._limit = limit_mib * _MEBI
        self._max_batch = max_batch
        self._models: dict[str, Loaded] = {}
        self._loading: dict[str, asyncio.Future[None]] = {}
        self._used = 0

    async def load(self, name: str, url: str, folder: Path) -> None:
        """Load a model and let it answer its example.

        Raises:
            RequestError: 409 if it is there already, 507 if it does not fit beside the others, 500 if it does not load.
        """
        if name in self._loading:
            with suppress(RequestError):
                await asyncio.shield(self._loading[name])
        if name in self._models:
            raise RequestError(409, "already_loaded", f"model {name!r} is loaded already")
        cost = self._reserve(name, folder)
        done = self._loading[name] = asyncio.get_running_loop().create_future()
        try:
            self._models[name] = Loaded(name, url, await self._engine(name, folder), cost)
        except BaseException:
            self._used -= cost
            raise
        finally:
            del self._loading[name]
            done.set_result(None)

    def find(self, name: str) -> Loaded:
        """Return a loaded model.

        Raises:
            RequestError: 404, if there is none.
        """
        if name not in self._models:
            raise RequestError(404, "model_not_found", f"model {name!r} is not loaded")
        return self._models[name]

    def page(self, after: str, most: int) -> tuple[list[Loaded], bool]:
        """Return the loaded models whose names follow `after`, at most so many, and whether there are more."""
        names = sorted(self._models)
        begin = bisect_right(names, after)
        return [self._models[name] for name in names[begin : begin + most]], len(names) > begin + most

    async def unload(self, name: str) -> None:
        """Forget a model once the requests that it was given are answered; it takes no more.

        Raises:
            RequestError: 404, if it is not loaded.
        """
        loaded = self.find(name)
        del self._models[name]
        if loaded.in_flight > 0:
            loaded.leaving = asyncio.Event()
            await loaded.leaving.wait()
        self._used -= loaded.cost
        log.write("info", "model_unloaded", model_name=name, models=len(self._models), used_mib=self._used // _MEBI)
        del loaded
        await asyncio.to_thread(memory.give_back)

    @contextmanager
    def use(self, name: str) -> Iterator[Engine]:
        """Keep a model in memory while it is used.

        Raises:
            RequestError: 404, if it is not loaded.
        """
        loaded = self.find(name)
        loaded.in_flight += 1
        try:
            yield loaded.engine
        finally:
            loaded.in_flight -= 1
            if loaded.in_flight == 0 and loaded.leaving is not None:
                loaded.leaving.set()

    def drain(self) -> None:
        """Let no model take requests any more."""
        for loaded in self._models.values():
            loaded.engine.state = engines.DRAINING

    def _reserve(self, name: str, folder: Path) -> int:
        cost = memory.cost_bytes(folder)
        if self._used + cost > self._limit:
            free = max(0, self._limit - self._used) // _MEBI
            message = f"model {name!r} takes {-(-cost // _MEBI)} MiB, {free} of {self._limit // _MEBI} MiB are free"
            raise RequestError(507, "out_of_memory", message)
        self._used += cost
        return cost

    async def _engine(self, name: str, folder: Path) -> Engine:
        began = perf_counter()
        engine = Engine(max_batch=self._max_batch)
        try:
            await asyncio.to_thread(engine.load, folder, 1)
        except MemoryError as error:
            raise RequestError(507, "out_of_memory", f"model {name!r}: {error}") from error
        except ServingError as error:
            raise RequestError(500, "model_not_loaded", f"model {name!r}: {error}") from error
        engine.state = engines.READY
        seconds = round(perf_counter() - began, 3)
        log.write(
            "info",
            "model_loaded",
            model_name=name,
            load_seconds=seconds,
            models=len(self._models) + 1,
            used_mib=self._used // _MEBI,
            **engine.facts,
        )
        return engine
