"""Whether a bound can be crossed at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.catalog import InstanceType, Metric

SHARES: Final = ("pr", "tc", "ts")
"""Statistics that are no value of the metric: how many, or what sum, lies within a range."""
TARGET: Final = "target"
"""How a policy compares: it adds above the bound and removes below."""


def out_of_reach(
    metric: Metric, statistic: str, comparison: str, bound: float, machine: InstanceType | None
) -> str | None:
    """Say why a bound is never crossed, or always; None where it can be, or where that is not known.

    Args:
        metric: That is watched.
        statistic: Such as ``Average`` or ``p99``.
        comparison: In CloudWatch's words, or ``target``.
        bound: What the statistic is compared with.
        machine: That publishes the metric, if it is known.
    """
    if statistic.casefold().startswith(SHARES):
        return None
    try:
        least, most = metric.bounds(statistic, machine)
    except ValueError:  # summed over parts of a machine that is not known
        return None
    never, always = {
        "GreaterThanThreshold": (bound >= most, bound < least),
        "GreaterThanOrEqualToThreshold": (bound > most, bound <= least),
        "LessThanThreshold": (bound <= least, bound > most),
        "LessThanOrEqualToThreshold": (bound < least, bound >= most),
        TARGET: (bound >= most, bound <= least),
    }.get(comparison, (False, False))
    if not never and not always:
        return None
    span = f"{statistic} of {metric.name} is {least:g} or more" if most == float("inf") else _span(metric, least, most)
    return f"{span}: it is {'never' if never else 'always'} {_words(comparison)} {bound:g}"


def _span(metric: Metric, least: float, most: float) -> str:
    return f"{metric.name} is from {least:g} to {most:g}"


def _words(comparison: str) -> str:
    return {
        "GreaterThanThreshold": "greater than",
        "GreaterThanOrEqualToThreshold": "at least",
        "LessThanThreshold": "less than",
        "LessThanOrEqualToThreshold": "at most",
    }.get(comparison, "above the target of")
