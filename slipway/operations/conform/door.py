"""The way to ask a server: its own routes, or SageMaker's InvokeEndpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slipway.operations.conform.answer import PATIENCE_SECONDS, Answer, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.operations.conform.wire import Address

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


@dataclass(frozen=True)
class Example:
    """A request that a server answers.

    Args:
        content_type: Of the body.
        accept: What the answer shall be. Default: the server chooses.
        name: What it is called where something is wrong with its answer.
    """

    body: bytes
    content_type: str = "application/json"
    accept: str | None = None
    name: str = "the example"

    @property
    def is_json(self) -> bool:
        """Whether spaces after it change nothing."""
        return self.content_type.partition(";")[0].strip() == "application/json"

    def headers(self) -> list[tuple[str, str]]:
        """Return what says of which type it is, and of which its answer."""
        accept = [] if self.accept is None else [("accept", self.accept)]
        return [("content-type", self.content_type), *accept]


class Door(Protocol):
    """Asks, in one way or the other."""

    def ask(self, example: Example, *, attributes: str | None = None, seconds: float = PATIENCE_SECONDS) -> Answer:
        """Return the answer to one request, whatever its status.

        Raises:
            NoAnswerError: If there is none.
        """

    def stream(self, example: Example) -> Iterator[tuple[float, bytes]]:
        """Give the answer as it comes: seconds since the request, and bytes.

        Raises:
            NoAnswerError: If it does not come whole, or is a refusal.
        """


@dataclass
class HttpDoor:
    """Asks a server by its own routes.

    Args:
        route: Where invocations go.
    """

    address: Address
    route: str = "/invocations"

    def ask(self, example: Example, *, attributes: str | None = None, seconds: float = PATIENCE_SECONDS) -> Answer:
        """Ask on a connection of its own."""
        more = [] if attributes is None else [(ATTRIBUTES, attributes)]
        with self.address.connect(seconds) as connection:
            return connection.request("POST", self.route, [*example.headers(), *more], example.body)

    def stream(self, example: Example) -> Iterator[tuple[float, bytes]]:
        """Ask, and give the answer as it comes."""
        with self.address.connect() as connection:
            connection.head("POST", self.route, [*example.headers(), ("content-length", str(len(example.body)))])
            connection.body(example.body)
            connection.end()
            for each in connection.parts():
                if connection.status >= 300:  # noqa: PLR2004
                    raise NoAnswerError(f"the stream was refused with {connection.status}")
                yield each

    def ping(self, seconds: float) -> Answer:
        """Ask whether the server is ready.

        Raises:
            NoAnswerError: If nobody answers.
        """
        with self.address.connect(seconds) as connection:
            return connection.request("GET", "/ping")
