"""Which of its numbers a variant lets autoscaling change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import invalid

if TYPE_CHECKING:
    from slipway.local_cloud.variant import Variant


COPIES: Final = "sagemaker:inference-component:DesiredCopyCount"


def check_dimension(request: dict[str, Any], variant: Variant) -> None:
    """Refuse a dimension that the variant does not have.

    Raises:
        ApiError: If it does not.
    """
    if "ManagedInstanceScaling" in variant.settings:
        raise invalid(f"Variant {variant.name} has ManagedInstanceScaling and is not scaled by autoscaling")
    serverless = variant.settings.get("ServerlessConfig")
    provisioned = serverless is not None and "ProvisionedConcurrency" in serverless
    dimension = request["ScalableDimension"]
    if serverless is not None and not provisioned:
        raise invalid(f"Variant {variant.name} is serverless without ProvisionedConcurrency and cannot be scaled")
    if provisioned != (dimension == "sagemaker:variant:DesiredProvisionedConcurrency"):
        raise invalid(f"{dimension} is not a dimension of variant {variant.name}")
