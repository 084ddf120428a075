"""Ports of loopback for servers."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress
from typing import Final

_RANGE: Final = (20_000, 32_767)
"""Below what the system gives to clients, which else could take a port before its server does; and as far as
multi-model-server believes that ports go."""
_TRIES: Final = 1_000


def free_port() -> int:
    """Return a port that nothing listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return several of them."""
    with ExitStack() as stack:
        return [stack.enter_context(_listener()).getsockname()[1] for _ in range(count)]


def _listener() -> socket.socket:
    for _ in range(_TRIES):
        listener = socket.socket()
        with suppress(OSError):
            listener.bind(("127.0.0.1", random.randrange(*_RANGE)))  # noqa: S311  no secret
            return listener
        listener.close()
    raise OSError(f"no port of 127.0.0.1 between {_RANGE[0]} and {_RANGE[1]} is free")
