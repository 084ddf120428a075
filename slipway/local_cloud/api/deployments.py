"""Whether a ``DeploymentConfig`` is one that SageMaker takes for an endpoint's config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import invalid

if TYPE_CHECKING:
    from slipway.local_cloud.records import EndpointConfig

_ROUTED: Final = (("CANARY", "CanarySize", 1), ("LINEAR", "LinearStepSize", 10))
_MOST_PERCENT: Final = 50
_LEAST_BATCH_PERCENT: Final = 5


def check_deployment(params: dict[str, Any], config: EndpointConfig) -> None:
    """Refuse a ``DeploymentConfig`` that SageMaker refuses.

    Args:
        params: A ``CreateEndpoint`` or ``UpdateEndpoint`` request.
        config: What it brings into service.

    Raises:
        ApiError: If it does.
    """
    deployment = params.get("DeploymentConfig", {})
    if "RollingUpdatePolicy" in deployment:
        _check_rolling(deployment, config.request["ProductionVariants"])
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    for kind, size, least in _ROUTED:
        if (routing.get("Type") == kind) != (size in routing):
            raise invalid(f"TrafficRoutingConfiguration: {size} goes with Type {kind}, and {kind} with {size}.")
        _check_size(size, routing.get(size, {}), least)


def _check_rolling(deployment: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    if "BlueGreenUpdatePolicy" in deployment:
        raise invalid("DeploymentConfig: specify either BlueGreenUpdatePolicy or RollingUpdatePolicy.")
    if len(variants) > 1:
        raise invalid("RollingUpdatePolicy is not supported for endpoints with multiple production variants.")
    if "ServerlessConfig" in variants[0]:
        raise invalid("RollingUpdatePolicy is not supported for serverless endpoints.")
    _check_size("MaximumBatchSize", deployment["RollingUpdatePolicy"]["MaximumBatchSize"], _LEAST_BATCH_PERCENT)


def _check_size(name: str, size: dict[str, Any], least: int) -> None:
    if size.get("Type") == "CAPACITY_PERCENT" and not least <= size["Value"] <= _MOST_PERCENT:
        raise invalid(f"{name}: a CAPACITY_PERCENT of {size['Value']} is not between {least} and {_MOST_PERCENT}.")
