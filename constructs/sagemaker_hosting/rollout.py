"""How SageMaker moves an endpoint from one config to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_sagemaker as sagemaker

from slipway.specs.parts import Canary

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
    """Describe a blue/green rollout that alarms call back.

    Args:
        rollout: As the endpoint's spec has it.
        alarm_names: At most ten; any of them in alarm brings the old fleet back.
        startup_seconds: How long the slowest container may take to start.
    """
    return _Endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=_Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
        blue_green_update_policy=_Endpoint.BlueGreenUpdatePolicyProperty(
            maximum_execution_timeout_in_seconds=longest_seconds(rollout, startup_seconds),
            termination_wait_in_seconds=rollout.terminate_after_seconds,
            traffic_routing_configuration=_routing(rollout),
        ),
    )


def longest_seconds(rollout: Rollout, startup_seconds: int) -> int:
    """Return when a rollout has failed: above the sum of its waits, within what SageMaker accepts."""
    # A canary bakes twice: with its share of the traffic, and with all of it.
    bakes = 2 if isinstance(rollout, Canary) else 1
    waits = bakes * rollout.bake_minutes * 60 + rollout.terminate_after_seconds
    return min(MOST_SECONDS, max(LEAST_SECONDS, waits + startup_seconds + SLACK_SECONDS))


def _routing(rollout: Rollout) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    wait = rollout.bake_minutes * 60
    if not isinstance(rollout, Canary):
        return _Endpoint.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=wait)
    return _Endpoint.TrafficRoutingConfigProperty(
        type="CANARY",
        canary_size=_Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=rollout.percent),
        wait_interval_in_seconds=wait,
    )
