"""The steps by which an update moves traffic to its new fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """Give the new fleet this share of the traffic, then watch it for a while."""

    percent: float
    wait_seconds: int


def steps(deployment: dict[str, Any], instances: int) -> list[Step]:
    """Return the steps of an update; the last is always 100 percent.

    A rolling update replaces its fleet batch by batch; one process stands for the fleet here, so that each batch is a
    share of the traffic. Its way back has no waits between the batches, and is one step here whatever their size.

    Args:
        deployment: A ``DeploymentConfig``; without a policy everything moves at once.
        instances: How many the new fleet has, for sizes that count instances.
    """
    rolling = deployment.get("RollingUpdatePolicy")
    if rolling is not None:
        return _equal(_percent(rolling["MaximumBatchSize"], instances), rolling["WaitIntervalInSeconds"])
    policy = deployment.get("BlueGreenUpdatePolicy")
    if policy is None:
        return [Step(100, 0)]
    routing = policy["TrafficRoutingConfiguration"]
    wait = routing["WaitIntervalInSeconds"]
    if routing["Type"] == "CANARY":
        return [Step(_percent(routing["CanarySize"], instances), wait), Step(100, wait)]
    if routing["Type"] == "LINEAR":
        return _equal(_percent(routing["LinearStepSize"], instances), wait)
    return [Step(100, wait)]


def termination_wait_seconds(deployment: dict[str, Any]) -> int:
    """Return how long the old fleet stays after the last step."""
    return int(deployment.get("BlueGreenUpdatePolicy", {}).get("TerminationWaitInSeconds", 0))


def alarm_names(deployment: dict[str, Any]) -> list[str]:
    """Return the alarms that call an update back."""
    return [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def _equal(size: float, wait: int) -> list[Step]:
    count = -(-100 // size)
    return [Step(min(100, size * number), wait) for number in range(1, int(count) + 1)]


def _percent(size: dict[str, Any], instances: int) -> float:
    value = float(size["Value"])
    return value if size["Type"] == "CAPACITY_PERCENT" else min(100.0, 100.0 * value / max(1, instances))
