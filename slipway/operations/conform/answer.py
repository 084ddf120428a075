"""What came back, or that nothing did."""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE_SECONDS = 60.0
"""What SageMaker gives a model to answer."""


class NoAnswerError(Exception):
    """No whole answer came; its text says what came instead."""


@dataclass(frozen=True)
class Answer:
    """One whole answer.

    Args:
        status: As HTTP has it.
        headers: Names in lower case.
        seconds: From the request's first byte to the answer's last.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it says that the request was understood and answered."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def refuses(self) -> bool:
        """Whether it says that there is too much to do just now."""
        return self.status in {429, 503}

    @property
    def blames_the_caller(self) -> bool:
        """Whether it says that the fault is the caller's."""
        return 400 <= self.status < 500  # noqa: PLR2004
