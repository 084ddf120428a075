"""What the tour saw."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.specs import GateError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class CheckedEndpoint:
    """One variant of one endpoint, asked through boto3 and compared with the original PyTorch model.

    Args:
        name: The endpoint's name on AWS.
        kind: As in its spec.
        variant: The variant that answered.
        container: The container that was asked; None where there was no choice.
        model: What it hosts; of a pipeline, all that a request passes.
        server: What serves it, as in its spec.
        stand_in: What answers here in the server's stead; empty where it is the server itself.
        size_ratio: Archive against the original's weights; smaller is better.
        latency_ratio: How many times faster than the original, at the first shape of the model's benchmark; None of
            language models, which are timed on their GPUs alone.
        latency_shape: That shape.
        metric: What ``value`` is, by the model's own gate.
        value: As measured by verify on the model's own data.
        agreement: The same metric between these answers and the original's.
        samples: How many answers were compared.
        answer_checked: Whether the agreement reaches the model's gate.
        answer: One answer, short enough for a table.
    """

    name: str
    kind: str
    variant: str
    container: str | None
    model: str
    server: str
    stand_in: str
    size_ratio: float
    latency_ratio: float | None
    latency_shape: str | None
    metric: str
    value: float
    agreement: float
    samples: int
    answer_checked: bool
    answer: str


@dataclass(frozen=True)
class CheckedFront:
    """One front, asked through signed HTTP and compared likewise."""

    endpoint: str
    url: str
    status: int
    unsigned_status: int
    """What a caller gets who does not sign; 403 is right."""
    agreement: float
    answer_checked: bool


@dataclass(frozen=True)
class DemoResult:
    """The whole tour."""

    endpoints: tuple[CheckedEndpoint, ...]
    fronts: tuple[CheckedFront, ...]
    seconds: dict[str, float]
    kept: dict[str, str] | None
    """How to reach the cloud that was left up; None where everything was taken down."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write the facts as JSON, all or nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(self.as_dict(), indent=2) + "\n")
        draft.replace(path)

    def refuse_unchecked(self) -> None:
        """Raise GateError naming every answer that is not the original's."""
        wrong = [
            f"{row.name}/{row.container or row.variant} ({row.agreement:.4f})"
            for row in self.endpoints
            if not row.answer_checked
        ]
        wrong += [f"front of {row.endpoint} ({row.agreement:.4f})" for row in self.fronts if not row.answer_checked]
        if wrong or not self.endpoints:
            raise GateError(f"answers that are not the original's: {', '.join(wrong) or 'no endpoint answered'}")
