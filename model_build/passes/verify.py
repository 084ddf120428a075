from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.served import lay_out
from model_build.work import Pass, Work, present
from slipway.specs import GateError, Proof

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from model_build.metrics import Measured
    from model_build.tasks import Samples

SAME = 1e-6
"""Answers that differ by less than this in every number are one answer."""


@dataclass(frozen=True)
class Verify(Pass):
    """Ask the very code that will serve, and compare its answers with the untouched original's.

    Args:
        min_samples: Fewer prove nothing.
        batch: Inputs of one request.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "verify"

    min_samples: int = 100
    batch: int = 8

    def run(self, work: Work) -> Work:
        """Return the work with ``served``, ``described`` and ``proof``.

        Raises:
            GateError: If the artifact does not pass, with what was measured, what is needed and the worst inputs.
        """
        import numpy as np

        from model_build.metrics import METRICS

        samples = present(work.task).samples(work.spec, work.source_folder)
        if len(samples.inputs) < self.min_samples:
            found = f"{len(samples.inputs)} inputs to verify on"
            raise GateError(f"{work.name}: {found}, at least {self.min_samples} are needed for a proof")
        served, described = lay_out(work, samples)
        theirs = np.asarray(present(work.original).reference(samples.inputs))
        ours = _artifact_answers(served, samples, self.batch)
        _refuse_nonsense(work.name, theirs, ours)
        proof = _judge(work, samples, METRICS[work.spec.verify.metric](samples, theirs, ours))
        return replace(work, served=served, described=described, proof=proof)


def _artifact_answers(folder: Path, samples: Samples, batch: int) -> np.ndarray:
    import numpy as np

    from serving.model import Model

    model = Model.load(folder, threads=1)
    answers = [model.predict(samples.inputs[at : at + batch]) for at in range(0, len(samples.inputs), batch)]
    return np.concatenate(answers)


def _refuse_nonsense(name: str, theirs: np.ndarray, ours: np.ndarray) -> None:
    """Refuse what a mean could hide: a graph that lost its inputs answers, and sometimes not even badly."""
    import numpy as np

    if ours.shape != theirs.shape:
        raise GateError(f"{name}: the artifact answers {ours.shape}, the original {theirs.shape}")
    for who, answers in (("the original", theirs), ("the artifact", ours)):
        broken = int((~np.isfinite(answers.reshape(len(answers), -1))).any(axis=1).sum())
        if broken > 0:
            raise GateError(f"{name}: {who} answers NaN or infinity for {broken} of {len(answers)} inputs")
        if np.ptp(answers, axis=0).max() < SAME:
            raise GateError(f"{name}: {who} answers the same for all {len(answers)} inputs: were its inputs swapped?")


def _judge(work: Work, samples: Samples, measured: Measured) -> Proof:
    gate = work.spec.verify
    if measured.value < gate.at_least:
        short = gate.at_least - measured.value
        raise GateError(
            f"{work.name}: {gate.metric} is {measured.value:.6f}, at least {gate.at_least} is needed: "
            f"missed by {short:.6f} on {len(samples.inputs)} inputs; {_worst(measured)}"
        )
    if measured.refusal != "":
        raise GateError(f"{work.name}: {measured.refusal}; {_worst(measured)}")
    return Proof(
        metric=gate.metric,
        value=round(measured.value, 6),
        at_least=gate.at_least,
        samples=len(samples.inputs),
        details={key: round(value, 6) for key, value in measured.details.items()},
    )


def _worst(measured: Measured) -> str:
    return f"worst: {'; '.join(measured.worst)}"
