"""What is looked at: a server or an endpoint, with all that was given to ask it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.operations.conform.answer import Answer, NoAnswerError
from slipway.operations.conform.check import Flaw, Need, Untold
from slipway.operations.conform.compare import difference
from slipway.operations.conform.door import Door, Example, HttpDoor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slipway.operations.conform.process import Process
    from slipway.operations.conform.wire import Address

_RETRY_SECONDS = 30.0
_PAUSE_SECONDS = 0.05


@dataclass
class Subject:
    """A server or an endpoint, and what it is asked with.

    Args:
        door: How it is asked.
        examples: Requests that it answers.
        judge: Says what is wrong with the answers to the examples, one for each; None where nothing is.
        slow: A request that takes about a second.
        stream: Media type of a streamed answer.
        streamed: A request whose streamed answer has several parts. Default: the slow one, else the first example.
        models: Names and folders for a multi-model server; the first one answers the examples.
        process: The server itself, where we start it.
        failing: A server whose model cannot be loaded.
        callers: How many ask at once.
        stop_seconds: How long the process may take to end; SageMaker kills it then.
    """

    door: Door
    examples: tuple[Example, ...] = ()
    judge: Callable[[Sequence[bytes]], str | None] | None = None
    slow: Example | None = None
    stream: str | None = None
    streamed: Example | None = None
    models: tuple[tuple[str, str], ...] = ()
    process: Process | None = None
    failing: Process | None = None
    callers: int = 16
    stop_seconds: float = 30.0
    silent: str | None = None
    """Why an example that was asked when nothing else went on has no answer; nothing more is asked then."""
    _usual: dict[Example, tuple[Answer, bool]] = field(default_factory=dict)

    @property
    def http(self) -> HttpDoor:
        """The server's own routes; only for checks that need the server."""
        assert isinstance(self.door, HttpDoor)  # noqa: S101  Need.SERVER
        return self.door

    @property
    def address(self) -> Address:
        """Where the server listens."""
        return self.http.address

    @property
    def example(self) -> Example:
        """The first example."""
        return self.examples[0]

    def lacks(self, needs: Sequence[Need]) -> Need | None:
        """Return the first thing that a check needs and was not given."""
        given = {
            Need.SERVER: isinstance(self.door, HttpDoor),
            Need.EXAMPLE: bool(self.examples),
            Need.SEVERAL: len(self.examples) > 1,
            Need.EXPECTED: self.judge is not None,
            Need.SLOW: self.slow is not None,
            Need.PROCESS: self.process is not None,
            Need.FAILING: self.failing is not None,
            Need.MODELS: len(self.models) > 1,
            Need.STREAM: self.stream is not None,
        }
        return next((need for need in needs if not given[need]), None)

    def ping(self, seconds: float) -> int | None:
        """Return the status of the health check; None where nobody answers."""
        try:
            return self.http.ping(seconds).status
        except NoAnswerError:
            return None

    def start(self) -> None:
        """Start the server, wait until it is ready, and load what it needs."""
        assert self.process is not None  # noqa: S101  Need.PROCESS
        self.process.start()
        self.process.wait_ready(self.ping)
        self.prepare()

    def prepare(self) -> None:
        """Have a multi-model server load the model that answers the examples.

        Raises:
            Flaw: If it does not.
        """
        if not self.models:
            return
        name, folder = self.models[0]
        self.http.route = f"/models/{name}/invoke"
        status = self.load(name, folder).status
        if status not in {200, 409}:
            raise Flaw(f"POST /models with '{name}' in {folder} was answered with {status}")

    def load(self, name: str, folder: str) -> Answer:
        """Ask a multi-model server to load a model."""
        body = json.dumps({"model_name": name, "url": folder}).encode()
        with self.address.connect() as connection:
            return connection.request("POST", "/models", [("content-type", "application/json")], body)

    def usual(self, example: Example) -> Answer:
        """Return what an example is answered with when nothing else goes on.

        Raises:
            Flaw: If it is refused.
        """
        if example not in self._usual:
            try:
                first, second = self.door.ask(example), self.door.ask(example)
            except NoAnswerError as error:
                self.silent = str(error)
                raise
            self._usual[example] = (first, difference(first.body, second.body) is None)
        answer = self._usual[example][0]
        if not answer.good:
            raise Flaw(
                f"{example.name} is answered with {answer.status}: {answer.body[:200].decode('utf-8', 'replace')}"
            )
        return answer

    def steady(self, example: Example) -> bool:
        """Tell whether an example is answered alike each time."""
        self.usual(example)
        return self._usual[example][1]

    def need_steady(self, *examples: Example) -> None:
        """Leave a check that compares answers.

        Raises:
            Untold: If an example is answered differently each time.
        """
        for example in examples:
            if not self.steady(example):
                raise Untold(f"{example.name} is answered differently each time: give one that is not")

    def require_usual(self, example: Example, answer: Answer, when: str) -> None:
        """See that an answer is the usual one.

        Raises:
            Flaw: If it is not.
        """
        if not answer.good:
            raise Flaw(f"{example.name} was answered with {answer.status} {when}")
        usual = self.usual(example)
        if self.steady(example) and (other := difference(usual.body, answer.body)) is not None:
            raise Flaw(f"{example.name} was answered otherwise than usual {when}: {other}")

    def insist(self, example: Example) -> Answer:
        """Ask again where the server has too much to do, as SageMaker's callers are told to.

        Raises:
            Flaw: If it still has after half a minute.
        """
        end = time.monotonic() + _RETRY_SECONDS
        while (answer := self.door.ask(example)).refuses:
            if time.monotonic() > end:
                raise Flaw(f"{example.name} was refused with {answer.status} for {_RETRY_SECONDS:g} s")
            time.sleep(_PAUSE_SECONDS)
        return answer


def together(works: Sequence[Callable[[], object]]) -> list[object]:
    """Do all of it at once, and return the results or raise the first error.

    The threads are daemons: whoever interrupts us need not wait for them.
    """
    results: list[object] = [None] * len(works)
    errors: list[BaseException] = []

    def run(index: int, work: Callable[[], object]) -> None:
        try:
            results[index] = work()
        except BaseException as error:  # noqa: BLE001  raised again where it is heard: in the caller's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
