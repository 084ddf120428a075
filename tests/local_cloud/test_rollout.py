from __future__ import annotations

from typing import Any

import pytest

from slipway.local_cloud.rollout import Step, steps, termination_wait_seconds


def policy(**routing: Any) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 60, **routing}}}


def rolling(**size: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60}}


PERCENT = "CAPACITY_PERCENT"


@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        ({}, [Step(100, 0)]),
        (policy(Type="ALL_AT_ONCE"), [Step(100, 60)]),
        (policy(Type="CANARY", CanarySize={"Type": PERCENT, "Value": 10}), [Step(10, 60), Step(100, 60)]),
        (policy(Type="CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}), [Step(25, 60), Step(100, 60)]),
        (
            policy(Type="LINEAR", LinearStepSize={"Type": PERCENT, "Value": 40}),
            [Step(40, 60), Step(80, 60), Step(100, 60)],
        ),
        (rolling(Type=PERCENT, Value=50), [Step(50, 60), Step(100, 60)]),
        (rolling(Type="INSTANCE_COUNT", Value=2), [Step(50, 60), Step(100, 60)]),
    ],
)
def test_steps_follow_the_policy(deployment: dict[str, Any], expected: list[Step]) -> None:
    assert steps(deployment, instances=4) == expected


def test_old_fleet_leaves_at_once_when_no_wait_is_asked_for() -> None:
    assert termination_wait_seconds({}) == 0
    assert termination_wait_seconds({"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 5}}) == 5
