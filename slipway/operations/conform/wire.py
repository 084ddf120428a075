"""Where a server listens."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from slipway.operations.conform.answer import PATIENCE_SECONDS, NoAnswerError
from slipway.operations.conform.connection import Connection
from slipway.specs import UsageError


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    path: str = field(default="", compare=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart.

        Raises:
            UsageError: If it is none of a server's; SageMaker speaks plain HTTP to containers, and so do we.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port or 80
        except ValueError:
            port = 0
        if parts.scheme != "http" or not parts.hostname or port == 0:
            why = "SageMaker speaks plain HTTP to containers, " if parts.scheme == "https" else ""
            raise UsageError(f"'{url}' is no address of a server: {why}accepted is http://HOST:PORT")
        return cls(parts.hostname, port, parts.path.rstrip("/"))

    def connect(self, seconds: float = PATIENCE_SECONDS, *, receive_bytes: int | None = None) -> Connection:
        """Open a connection.

        Raises:
            NoAnswerError: If nobody takes it.
        """
        plain = None
        try:
            plain = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
            if receive_bytes is not None:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            plain.settimeout(seconds)
            plain.connect((self.host, self.port))
        except OSError as error:
            if plain is not None:
                plain.close()
            raise NoAnswerError(f"the connection is not taken: {error.strerror or error}") from error
        return Connection(plain, self, seconds)
