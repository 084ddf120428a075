"""Who of several workers takes a connection: in one event loop, where all hear of it at the same time."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from serving.doorman import Doorman
from serving.team import Member, Team

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 3


class Taken(asyncio.Protocol):
    """A connection that its worker keeps, and that is told."""

    def __init__(self, held: list[asyncio.BaseTransport], told: asyncio.Semaphore) -> None:
        self._held, self._told = held, told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._held.append(transport)
        self._told.release()


async def shared(folder: Path, count: int) -> list[int]:
    """Connect so many times, one after the other, and return how many connections each worker took."""
    team, held = Team(WORKERS, folder), [list[asyncio.BaseTransport]() for _ in range(WORKERS)]
    told = asyncio.Semaphore(0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        workers = [listener.dup() for _ in held]  # each process has a number of its own for the one socket
        doormen = [
            Doorman(door, Member(team, number), lambda own=own: Taken(own, told), lambda own=own: len(own))  # type: ignore[misc]
            for number, (door, own) in enumerate(zip(workers, held, strict=True))
        ]
        callers = []
        for _ in range(count):
            callers.append((await asyncio.open_connection(*listener.getsockname()))[1])
            await told.acquire()
        for doorman, door in zip(doormen, workers, strict=True):
            doorman.close()
            door.close()
        for caller in callers:
            caller.close()
        for transport in (one for own in held for one in own):
            transport.close()
    return sorted(map(len, held))


def test_connection_goes_to_who_has_fewest(tmp_path: Path) -> None:
    assert asyncio.run(shared(tmp_path, 12)) == [4, 4, 4]
