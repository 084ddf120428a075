"""Runs a server that would listen on every interface where nobody but this machine reaches it.

``python -m slipway.local_cloud.hosts.alone PORT COMMAND…``, in which ``{port}`` stands for the port that the server is
told. It gets a network of its own, with nothing in it but itself, as a container under network isolation does, and
what connects to 127.0.0.1:PORT is passed on to it. Where the system gives users no networks of their own, nothing is
started: it would listen on every interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

INNER_PORT: Final = 8080
NO_NETWORK: Final = (
    "triton is not started: it would listen on every interface, and this system gives users no network of their own "
    "(user namespaces are off)"
)
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 1
_DEATH_SIGNAL = 1
_CHUNK_BYTES: Final = 2**18


def main() -> None:
    """Run the command until it ends, and end as it does."""
    port, command = int(sys.argv[1]), sys.argv[2:]
    listener = socket.create_server(("127.0.0.1", port))  # a socket stays in the network that it was made in
    if not isolate():
        sys.exit(NO_NETWORK)
    die_with_parent()  # not before: who gets new rights loses this
    words = [word.format(port=INNER_PORT) for word in command]
    server = subprocess.Popen(words, preexec_fn=die_with_parent)  # noqa: PLW1509,S603  one thread; our own words
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    sys.exit(asyncio.run(_relay(listener, server)))


def die_with_parent() -> None:
    """Ask for SIGTERM when the parent dies, however it does."""
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)


def isolate() -> bool:
    """Move this process, which must have one thread, into a network with a loopback and nothing else."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for file, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{file}").write_text(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", _UP))
    return True


async def _relay(listener: socket.socket, server: subprocess.Popen[bytes]) -> int:
    door = await asyncio.start_server(_pass_on, sock=listener)
    code = await asyncio.to_thread(server.wait)
    door.close()
    return 128 - code if code < 0 else code


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        there, back = await asyncio.open_connection("127.0.0.1", INNER_PORT)
        with contextlib.closing(back):
            done, pending = await asyncio.wait(
                [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))],
                return_when=asyncio.FIRST_EXCEPTION,
            )
            for task in (*done, *pending):
                task.cancel()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(_CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
        target.write_eof()


if __name__ == "__main__":
    main()
