"""What Application Auto Scaling may change of a variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aws_cdk import aws_applicationautoscaling as autoscaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct, IDependable

Dimension = Literal["DesiredInstanceCount", "DesiredProvisionedConcurrency"]


def scalable_target(
    scope: Construct,
    *,
    endpoint: IDependable,
    endpoint_name: str,
    variant: str,
    dimension: Dimension,
    bounds: tuple[int, int],
    scheduled_actions: Sequence[autoscaling.CfnScalableTarget.ScheduledActionProperty] | None = None,
) -> autoscaling.CfnScalableTarget:
    """Register a variant under ``Target`` in a scope.

    Args:
        scope: The construct that adds the policies.
        endpoint: Must exist before its variant can be registered.
        endpoint_name: Its name.
        variant: Whose dimension it is.
        dimension: What changes.
        bounds: Least and most of it.
        scheduled_actions: What the clock does to the bounds. Default: nothing.
    """
    least, most = bounds
    target = autoscaling.CfnScalableTarget(
        scope,
        "Target",
        max_capacity=most,
        min_capacity=least,
        resource_id=f"endpoint/{endpoint_name}/variant/{variant}",
        scheduled_actions=scheduled_actions,
        scalable_dimension=f"sagemaker:variant:{dimension}",
        service_namespace="sagemaker",
    )
    target.node.add_dependency(endpoint)
    return target
