"""How the workers of one server share the connections that come to their port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serving import log

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from serving.team import Member

_MOMENT_SECONDS = 0.001
_OUT_OF_FILES_SECONDS = 1.0


class Doorman:
    """Takes connections for one worker, and leaves each a moment to one that has fewer.

    All workers hear of a connection, and the kernel gives it to the first who asks. Callers who keep theirs would so
    meet one worker twice while another has nothing to do.

    Args:
        listener: The port, the same in all workers.
        member: The worker.
        protocol: Makes what speaks with a caller.
        open_now: Returns how many connections the worker has.
    """

    def __init__(
        self,
        listener: socket.socket,
        member: Member,
        protocol: Callable[[], asyncio.Protocol],
        open_now: Callable[[], int],
    ) -> None:
        self._listener, self._member = listener, member
        self._protocol, self._open_now = protocol, open_now
        self._loop = asyncio.get_running_loop()
        self._taking: set[asyncio.Task[object]] = set()
        self._returning: asyncio.TimerHandle | None = None
        listener.settimeout(0)
        self._watch()

    def close(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._listener)
        if self._returning is not None:
            self._returning.cancel()

    def _watch(self) -> None:
        self._loop.add_reader(self._listener, self._hear)

    def _hear(self) -> None:
        self._tell()
        if self._member.has_fewest_connections:
            self._take()
        else:
            self._pause(_MOMENT_SECONDS)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._returning = self._loop.call_later(seconds, self._return)

    def _return(self) -> None:
        self._watch()
        self._take()  # nobody who has fewer came for it

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # another took it, or its caller has left
            return
        except OSError as error:  # the limit of open files, say
            log.write("error", "not_accepted", reason=str(error))
            self._pause(_OUT_OF_FILES_SECONDS)
            return
        connection.settimeout(0)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._taking.add(task)
        task.add_done_callback(self._taken)
        self._tell()

    def _taken(self, task: asyncio.Task[object]) -> None:
        self._taking.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.write("error", "not_accepted", reason=str(task.exception()))

    def _tell(self) -> None:
        self._member.tell_connections(self._open_now() + len(self._taking))
