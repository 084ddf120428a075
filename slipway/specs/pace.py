"""How many steps a rollout takes, and whether SageMaker waits for all of them."""

from __future__ import annotations

from typing import Final, TypeVar

from slipway.specs.base import Findings

S = TypeVar("S")

# Source: SageMaker ends a deployment after 8 h (MaximumExecutionTimeoutInSeconds <= 28800); one of them is left for
# getting machines and starting containers.
MOST_WAITING_MINUTES: Final = 420


def step_count(percent: int) -> int:
    """Return how many steps of a share make the whole; the last may be smaller."""
    return -(-100 // percent)


def within_a_deployment(rollout: S, percent: int, bake_minutes: int) -> S:
    """Return a stepwise rollout if its waits end in time; refuse it otherwise."""
    findings, steps = Findings(), step_count(percent)
    if steps * bake_minutes > MOST_WAITING_MINUTES:
        message = (
            f"{steps} steps of {bake_minutes} minutes take {steps * bake_minutes} minutes, at most "
            f"{MOST_WAITING_MINUTES} are accepted: SageMaker ends a deployment after 8 hours; bake less or move more"
        )
        findings.add(("bake_minutes",), message, because=(("percent",),))
    findings.refuse()
    return rollout
