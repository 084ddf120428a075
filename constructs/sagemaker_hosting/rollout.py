"""How SageMaker moves an endpoint from one config to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_sagemaker as sagemaker

from slipway.specs.pace import step_count
from slipway.specs.parts import AllAtOnce, Canary, Linear, Rolling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.parts import Rollout

LEAST_SECONDS: Final = 600
MOST_SECONDS: Final = 28_800
# Beyond the waits and the containers' start: getting instances, and taking the old ones away.
SLACK_SECONDS: Final = 1800

_Endpoint = sagemaker.CfnEndpoint


def deployment_config(
    rollout: Rollout, *, alarm_names: Sequence[str], startup_seconds: int
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Describe a rollout that alarms call back: blue/green with a second fleet, or rolling within the one.

    Args:
        rollout: As the endpoint's spec has it.
        alarm_names: At most ten; any of them in alarm brings the old fleet back.
        startup_seconds: How long the slowest container may take to start.
    """
    return _Endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=_Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
        blue_green_update_policy=None if isinstance(rollout, Rolling) else _blue_green(rollout, startup_seconds),
        rolling_update_policy=_rolling(rollout, startup_seconds) if isinstance(rollout, Rolling) else None,
    )


def longest_seconds(rollout: Rollout, startup_seconds: int) -> int:
    """Return when a rollout has failed: above the sum of its waits, within what SageMaker accepts."""
    steps = _steps(rollout)
    # A rolling update starts containers in every batch, the others once.
    starts = steps if isinstance(rollout, Rolling) else 1
    ending = 0 if isinstance(rollout, Rolling) else rollout.terminate_after_seconds
    waits = steps * rollout.bake_minutes * 60 + ending
    return min(MOST_SECONDS, max(LEAST_SECONDS, waits + starts * startup_seconds + SLACK_SECONDS))


def _steps(rollout: Rollout) -> int:
    if isinstance(rollout, AllAtOnce):
        return 1
    # A canary bakes twice: with its share of the traffic, and with all of it.
    return 2 if isinstance(rollout, Canary) else step_count(rollout.percent)


def _blue_green(
    rollout: Canary | AllAtOnce | Linear, startup_seconds: int
) -> sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty:
    return _Endpoint.BlueGreenUpdatePolicyProperty(
        maximum_execution_timeout_in_seconds=longest_seconds(rollout, startup_seconds),
        termination_wait_in_seconds=rollout.terminate_after_seconds,
        traffic_routing_configuration=_routing(rollout),
    )


def _rolling(rollout: Rolling, startup_seconds: int) -> sagemaker.CfnEndpoint.RollingUpdatePolicyProperty:
    return _Endpoint.RollingUpdatePolicyProperty(
        maximum_batch_size=_share(rollout.percent),
        maximum_execution_timeout_in_seconds=longest_seconds(rollout, startup_seconds),
        rollback_maximum_batch_size=_share(rollout.rollback_percent),
        wait_interval_in_seconds=rollout.bake_minutes * 60,
    )


def _routing(rollout: Canary | AllAtOnce | Linear) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    return _Endpoint.TrafficRoutingConfigProperty(
        type={"canary": "CANARY", "linear": "LINEAR", "all-at-once": "ALL_AT_ONCE"}[rollout.strategy],
        canary_size=_share(rollout.percent) if isinstance(rollout, Canary) else None,
        linear_step_size=_share(rollout.percent) if isinstance(rollout, Linear) else None,
        wait_interval_in_seconds=rollout.bake_minutes * 60,
    )


def _share(percent: int) -> sagemaker.CfnEndpoint.CapacitySizeProperty:
    return _Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=percent)
