"""One process that holds a part of the model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import frames

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

PROGRAMS: Final = Path(__file__).parents[4] / "containers" / "djl"
"""What runs in the ranks, by path: the project's, beside the Dockerfiles, and never imported here."""


class RankError(Exception):
    """A rank that died or could not load its part; the message says what it said."""


class Rank:
    """A rank and the line to it.

    Args:
        process: It runs ``containers/djl/rank.py``.
        reader: Of the line.
        writer: Of the line.
    """

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._writer = writer
        self.reader = reader

    @classmethod
    async def start(cls, python: str, entry_point: Path, environment: Mapping[str, str]) -> Rank:
        """Start a rank, which waits for properties before it loads anything."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(python, str(PROGRAMS / "rank.py"), str(theirs.fileno()), str(entry_point)),
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def send(self, properties: dict[str, str], body: bytes = b"") -> None:
        """Give it properties to load by, or a request to answer."""
        frames.write(self._writer, properties, body)

    async def loaded(self) -> None:
        """Wait until it has its part.

        Raises:
            RankError: If it has not.
        """
        try:
            head, _ = await frames.read(self.reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise RankError("a rank died while it loaded its part of the model") from None
        if "failed" in head:
            raise RankError(str(head["failed"]))

    async def ended(self) -> None:
        """Wait until it is gone."""
        await self._process.wait()

    async def stop(self) -> None:
        """End it at once: it holds nothing that is worth a goodbye."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._writer.close()


def environment_of(base: Mapping[str, str], number: int, size: int, port: int) -> dict[str, str]:
    """Return what a rank is told of itself and the others, as Open MPI says it, which DJL Serving starts ranks with."""
    places = os.pathsep.join(filter(None, [str(PROGRAMS), base.get("PYTHONPATH")]))
    ours = {
        "PYTHONPATH": places,
        "OMP_NUM_THREADS": base.get("OMP_NUM_THREADS", "1"),
        "HF_HUB_OFFLINE": "1",
        "OMPI_COMM_WORLD_RANK": str(number),
        "OMPI_COMM_WORLD_LOCAL_RANK": str(number),
        "OMPI_COMM_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return {**base, **ours}
