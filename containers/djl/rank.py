"""One rank under the clean-room host: calls a handler for each request that comes through the socket.

``python rank.py SOCKET ENTRY_POINT``, where SOCKET is the number of an open one. Its end is this process's end.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import socket
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djl_python import Input, Output

if TYPE_CHECKING:
    from collections.abc import Callable

    Handle = Callable[[Input], Output | None]

_LENGTH = struct.Struct(">I")


def main() -> None:
    """Serve until the host goes."""
    line, entry_point = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    frames: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(line, frames), daemon=True).start()
    properties, _ = frames.get()
    try:
        handle = _handler(entry_point)
        handle(Input(properties))
    except Exception as error:  # noqa: BLE001  whatever a handler raises, the host is told
        traceback.print_exc()
        _send(line, {"failed": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    _send(line, {"ready": True})
    while True:
        given, body = frames.get()
        _answer(line, handle, Input({**properties, **given}, body))


def _receive(line: socket.socket, frames: queue.SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """Read in a thread of its own, so that a host that dies is noticed in the middle of an answer too."""
    with line.makefile("rb") as stream:
        while len(length := stream.read(_LENGTH.size)) == _LENGTH.size:
            head = json.loads(stream.read(*_LENGTH.unpack(length)))
            frames.put((head["properties"], stream.read(head["size"])))
    os._exit(0)


def _handler(entry_point: Path) -> Handle:
    sys.path.insert(0, str(entry_point.parent))
    spec = importlib.util.spec_from_file_location("model", entry_point)
    if spec is None or spec.loader is None:
        raise ImportError(f"{entry_point} is no Python file")
    module = sys.modules["model"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handle: Handle = module.handle
    return handle


def _answer(line: socket.socket, handle: Handle, inputs: Input) -> None:
    begun = False
    try:
        output = handle(inputs) or Output()
        pieces = output.pieces()
        _send(line, {"code": output.code, "properties": output.properties})
        begun = True
        for piece in (output.content,) if pieces is None else pieces:
            _send(line, {"piece": True}, piece)
    except Exception as error:  # noqa: BLE001  whatever a handler raises, the caller is told
        traceback.print_exc()
        if not begun:
            failure = Output().error(f"{type(error).__name__}: {error}")
            _send(line, {"code": failure.code, "properties": failure.properties})
            _send(line, {"piece": True}, failure.content)
    _send(line, {"end": True})


def _send(line: socket.socket, head: dict[str, Any], body: bytes = b"") -> None:
    packed = json.dumps({**head, "size": len(body)}).encode()
    line.sendall(_LENGTH.pack(len(packed)) + packed + body)


if __name__ == "__main__":
    main()
