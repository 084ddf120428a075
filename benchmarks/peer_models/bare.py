"""Usage: bare.py FOLDER PORT WORKERS THREADS: the least that a server in Python does, to tell what it costs at all.

A thread a connection, which reads from the socket until the body is there, asks the model and writes. No HTTP is
parsed, nothing is checked, counted, limited, joined or logged.
"""

from __future__ import annotations

import re
import socketserver
import sys
from pathlib import Path

import orjson

from serving.model import Model

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"

folder, port, workers, threads = Path(sys.argv[1]), *map(int, sys.argv[2:5])
model = Model.load(folder, threads=threads).with_threads(threads, calls=workers)


class Connection(socketserver.BaseRequestHandler):
    """One caller, who sends each head in one piece."""

    def handle(self) -> None:
        """Answer until the caller leaves."""
        while received := self.request.recv(65536):
            head, _, body = received.partition(b"\r\n\r\n")
            while len(body) < int(LENGTH.findall(head)[0]):
                body += self.request.recv(65536)
            vectors = model.predict(orjson.loads(body)["inputs"])
            answer = orjson.dumps({"embeddings": vectors}, option=orjson.OPT_SERIALIZE_NUMPY)
            self.request.sendall(HEAD % len(answer) + answer)


class Server(socketserver.ThreadingTCPServer):
    """Takes all callers."""

    request_queue_size = 64
    daemon_threads = True


Server(("127.0.0.1", port), Connection).serve_forever()
