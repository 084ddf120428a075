from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from model_build.served import lay_out
from model_build.work import Pass, Work, present
from slipway.specs import GateError, Proof

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from model_build.metrics import Measured
    from model_build.tasks import Samples
    from slipway.specs import ModelSpec

LOSSLESS = 0.9999
"""What ``cpu-lossless`` asks of a similarity; of labels and texts it asks that all are the original's."""
EQUAL = {"labels": "agreement_with_original", "texts": "same_text"}
"""What a proof's details say of them."""
SAME = 1e-6
"""Answers that differ by less than this in every number are one answer."""


@dataclass(frozen=True)
class Verify(Pass):
    """Ask the very code that will serve, and compare its answers with the untouched original's, and with each other.

    Args:
        min_samples: Fewer prove nothing.
        batch: Inputs of one request.
    """

    version: ClassVar[int] = 3
    name: ClassVar[str] = "verify"

    min_samples: int = 100
    batch: int = 8

    def run(self, work: Work) -> Work:
        """Return the work with ``served``, ``described`` and ``proof``.

        Raises:
            GateError: If the artifact does not pass, with what was measured, what is needed and the worst inputs.
        """
        from model_build.consistency import consistency

        asked = self.questioned(work)
        laid_out = asked if asked.served is not None else self.laid_out(asked)
        proof = judge(laid_out, self.measure(laid_out))
        alike = consistency(laid_out, partial(refused, work.spec))
        rounded = {key: float(f"{value:.6g}") for key, value in alike.items()}
        return replace(laid_out, proof=proof.model_copy(update={"consistency": rounded}))

    def questioned(self, work: Work) -> Work:
        """Return the work with ``samples`` and ``expected``; the original is asked once.

        Raises:
            GateError: If there is too little to judge by.
        """
        import numpy as np

        if work.samples is not None:
            return work
        samples = present(work.task).samples(work.spec, work.source_folder)
        if len(samples.inputs) < self.min_samples:
            found = f"{len(samples.inputs)} inputs to verify on"
            raise GateError(f"{work.name}: {found}, at least {self.min_samples} are needed for a proof")
        return replace(work, samples=samples, expected=np.asarray(present(work.original).reference(samples.inputs)))

    def laid_out(self, work: Work) -> Work:
        """Return the work with ``served`` and ``described``."""
        served, described = lay_out(work, present(work.samples))
        return replace(work, served=served, described=described)

    def measure(self, work: Work, *, at_most: int | None = None) -> Measured:
        """Compare the artifact's answers with the original's.

        Args:
            work: Laid out.
            at_most: How many inputs to ask, taken evenly over all.
                Default: all of them.

        Raises:
            GateError: If what it answers cannot be compared.
        """
        from model_build.metrics import METRICS

        samples, expected = present(work.samples), present(work.expected)
        step = 1 if at_most is None else max(1, len(samples.inputs) // at_most)
        truth = None if samples.truth is None else samples.truth[::step]
        chosen = replace(samples, inputs=samples.inputs[::step], truth=truth)
        ours = _artifact_answers(present(work.served), chosen, expected[::step], self.batch)
        refuse_nonsense(work.name, expected[::step], ours)
        return METRICS[work.spec.verify.metric](chosen, expected[::step], ours)


def _artifact_answers(folder: Path, samples: Samples, expected: np.ndarray, batch: int) -> np.ndarray:
    import numpy as np

    from model_build.asking import Asking
    from serving.errors import HandlerError, ServingError
    from serving.model import Model

    asking, places = Asking(samples, expected), range(len(samples.inputs))
    try:
        model = Model.load(folder, threads=1)
        return np.concatenate([asking.answers(model, places[at : at + batch]) for at in places[::batch]])
    except (HandlerError, ServingError) as error:
        raise GateError(f"the artifact does not answer: {str(error).removeprefix(f'{folder}/')}") from error


def refuse_nonsense(name: str, theirs: np.ndarray, ours: np.ndarray) -> None:
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


def judge(work: Work, measured: Measured) -> Proof:
    """Return the proof of what was measured on the work's samples.

    Raises:
        GateError: If it does not pass.
    """
    metric, needed, asked = work.spec.verify.metric, gate(work.spec), len(present(work.samples).inputs)
    refusal = refused(work.spec, measured)
    if refusal != "":
        raise GateError(f"{work.name}: {refusal} ({asked} inputs); worst: {'; '.join(measured.worst)}")
    return Proof(
        metric=metric,
        value=round(measured.value, 6),
        bound=round(measured.bound, 6),
        at_least=needed,
        samples=asked,
        details={key: round(value, 6) for key, value in measured.details.items()},
        worst=measured.worst,
    )


def gate(spec: ModelSpec) -> float:
    """Return what the metric must come to at least: the spec's gate, or the target's own where that is higher."""
    floor = LOSSLESS if spec.target == "cpu-lossless" and spec.verify.metric != "accuracy" else 0.0
    return max(spec.verify.at_least, floor)


def refused(spec: ModelSpec, measured: Measured) -> str:
    """Say why what was measured does not pass; empty where it does."""
    metric, needed = spec.verify.metric, gate(spec)
    if measured.bound < needed:
        surely = f"{metric} is {measured.value:.6f}, with 95 % confidence at least {measured.bound:.6f}"
        return f"{surely}; at least {needed} is needed: missed by {needed - measured.bound:.6f}"
    for what, detail in EQUAL.items() if spec.target == "cpu-lossless" else ():
        same = measured.details.get(detail, 1.0)
        if same < 1:
            return f"{1 - same:.4f} of the {what} are not the original's, and cpu-lossless takes none"
    return measured.refusal
