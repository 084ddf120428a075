"""Ports of loopback for servers."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections import deque
from contextlib import suppress
from typing import Final

_RANGE: Final = (20_000, 32_767)
"""Below what the system gives to clients, which else could take a port before its server does; and as far as
multi-model-server believes that ports go."""
_TRIES: Final = 1_000
_KEPT: Final = 64
_claims: deque[int] = deque()
"""Of the ports that were given last: a server binds its own seconds later, and until then nobody else may get it."""


def free_port() -> int:
    """Return a port that nothing listens on now and that no process of ours was given lately."""
    for _ in range(_TRIES):
        port = random.randrange(*_RANGE)  # noqa: S311  no secret
        with suppress(OSError), _claim(port) as claim, socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            _claims.append(claim.detach())
            if len(_claims) > _KEPT:
                os.close(_claims.popleft())
            return port
    raise OSError(f"no port of 127.0.0.1 between {_RANGE[0]} and {_RANGE[1]} is free")


def free_ports(count: int) -> list[int]:
    """Return several of them."""
    return [free_port() for _ in range(count)]


def _claim(port: int) -> socket.socket:
    """Take a name that one process has while this is open, in the port's own network; only Linux has such names."""
    claim = socket.socket(socket.AF_UNIX)
    if sys.platform != "linux":
        return claim
    try:
        claim.bind(f"\0slipway port {port}")
    except OSError:
        claim.close()
        raise
    return claim
