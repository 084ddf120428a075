from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling_policies import STEPS, intervals_of
from slipway.preflight.watching import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.preflight.template import Template

ENDLESS: Final = float("inf")


class StepAdjustmentsUneven(Rule):
    """The ranges of step adjustments follow each other: no gap, no overlap, no end where the metric goes on."""

    id = "StepAdjustmentsUneven"
    severity = Severity.ERROR
    consequence = "PutScalingPolicy is refused, and the stack rolls back."
    mend = "let each upper bound be the next lower one, and leave the outermost bound out"
    source = "Application Auto Scaling API reference, StepAdjustment, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find ranges that AWS refuses."""
        for policy in template.of_kind(POLICY):
            why = _uneven(intervals_of(policy))
            if why is not None:
                yield Violation(policy, (STEPS, "StepAdjustments"), why)


def _uneven(intervals: Sequence[tuple[float, float]] | None) -> str | None:
    if not intervals:
        return None
    ordered = sorted(intervals)
    (first, _), (_, last) = ordered[0], max(ordered, key=lambda each: each[1])
    if any(lower >= upper for lower, upper in ordered):
        return "an upper bound is not above its lower one"
    if (-ENDLESS, ENDLESS) in ordered:
        return "a step has neither a lower nor an upper bound"
    for (_, upper), (lower, _) in pairwise(ordered):
        if upper != lower:
            word = "overlap" if upper > lower else "leave a gap"
            return f"steps {word} between {min(upper, lower):g} and {max(upper, lower):g}"
    if -ENDLESS < first < 0:
        return f"nothing is below {first:g}: one step must have no lower bound"
    return f"nothing is above {last:g}: one step must have no upper bound" if 0 < last < ENDLESS else None
