from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.going_on import prompts
from model_build.passes.verify import judge, refuse_nonsense
from model_build.work import Pass, Work, present
from slipway.specs import GateError, Proof

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from model_build.tasks import Samples


@dataclass(frozen=True)
class VerifyCheckpoint(Pass):
    """Let transformers load original and artifact, one after the other, and compare what they would say next.

    Args:
        min_samples: Fewer prompts prove nothing.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "verify_checkpoint"

    min_samples: int = 32

    def run(self, work: Work) -> Work:
        """Return the work with ``proof``.

        Raises:
            GateError: If the artifact does not pass.
        """
        from model_build.metrics import METRICS

        theirs, ours = present(work.checkpoint).folder, present(work.graph).folder
        if _same_files(theirs, ours, present(work.checkpoint).shards):
            return replace(work, proof=_unchanged(work))
        samples = self._prompts(work)
        expected, answered = _logits(work, samples.inputs, ours)
        refuse_nonsense(work.name, expected, answered)
        measured = METRICS[work.spec.verify.metric](samples, expected, answered)
        asked = replace(work, samples=samples)
        return replace(asked, proof=judge(asked, measured))

    def _prompts(self, work: Work) -> Samples:
        from model_build.tasks import Samples

        lines = prompts(work)
        if len(lines) < self.min_samples:
            found = f"{len(lines)} prompts to verify on"
            raise GateError(f"{work.name}: {found}, at least {self.min_samples} are needed for a proof")
        return Samples(lines)


def _logits(work: Work, prompts: list[str], ours: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return what original and artifact say before each token that the original goes on with."""
    from model_build.language_model import FOLLOWED, continued, loaded, next_logits, steps_for, tokens_of

    checkpoint = present(work.checkpoint)
    room = (checkpoint.facts.max_tokens or 2048) - FOLLOWED
    steps = steps_for(len(prompts), checkpoint.facts.vocab_size or 1)
    tokens = tokens_of(checkpoint.folder, prompts, room)
    work.tell(f"asks the original what follows {len(prompts)} prompts")
    with loaded(checkpoint.folder) as model:
        texts = continued(model, tokens, steps)
        expected = next_logits(model, texts, steps)
    work.tell("asks the artifact")
    with loaded(ours) as model:
        return expected, next_logits(model, texts, steps)


def _same_files(one: Path, other: Path, names: list[str]) -> bool:
    """Tell whether all weights are the same bytes: one file under two names, or two that hold the same."""
    return all(_same(one / name, other / name) for name in names)


def _same(one: Path, other: Path) -> bool:
    import filecmp

    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)


def _unchanged(work: Work) -> Proof:
    """Return the proof of an artifact whose weights are the original's, byte for byte: there is nothing to measure."""
    gate = work.spec.verify
    files = len(present(work.checkpoint).shards)
    return Proof(
        metric=gate.metric,
        value=1.0,
        bound=1.0,
        at_least=gate.at_least,
        samples=0,
        details={"files_of_the_same_bytes": float(files)},
    )
