"""What every check is, and how it says that a server fails it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

CONTRACT = "SageMaker Developer Guide, custom inference code with hosting services, 2026-11"
MULTI_MODEL = "SageMaker Developer Guide, custom containers contract for multi-model endpoints, 2026-11"
INVOKE = "SageMaker API reference, InvokeEndpoint, 2026-11"
HTTP = "RFC 9110, HTTP semantics; RFC 9112, HTTP/1.1"


class Need(StrEnum):
    """What a check cannot do without; the text says how a caller gives it."""

    SERVER = "asks the server itself: give its URL in place of --endpoint"
    EXAMPLE = "give a request with --example FILE"
    SEVERAL = "give requests of different answers: --example FILE twice or more, or --model"
    EXPECTED = "give the right answer: --expect FILE for each --example, or --model"
    SLOW = "give a request that takes about a second: --slow-example FILE"
    PROCESS = 'starts and stops the server: give --command "…"'
    FAILING = 'starts a server whose model cannot be loaded: give --failing-command "…"'
    MODELS = "asks for many models: give --multi-model NAME=FOLDER, twice"
    STREAM = "give the media type of a streamed answer: --stream TYPE"


class Flaw(Exception):  # noqa: N818  a finding, not a fault of ours
    """The server does otherwise than it should; the text says what was seen."""


class Untold(Exception):  # noqa: N818  likewise
    """What was given does not let a check tell; the text says why."""


class Check(ABC):
    """One thing that a server does or does not do. The class is the id, its docstring what is asked of the server."""

    says: ClassVar[str]
    """What comes of it where a server does otherwise."""
    mend: ClassVar[str]
    source: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]]
    stops: ClassVar[bool] = False
    """Whether it stops or starts the server: those come last."""

    @property
    def id(self) -> str:
        """Its name."""
        return type(self).__name__

    @property
    def asks(self) -> str:
        """What is asked of the server."""
        return (type(self).__doc__ or "").strip()

    @abstractmethod
    def run(self, subject: Subject) -> str:
        """Return what was seen.

        Raises:
            Flaw: If the server does otherwise.
            Untold: If what was given does not let one tell.
            NoAnswerError: If an answer did not come that should have.
        """
