"""The events by which SageMaker tells EventBridge how endpoints and their deployments fare.

Source: "Events that Amazon SageMaker AI sends to Amazon EventBridge". That a deployment on its way back says
ROLLING_BACK is the status of DescribeEndpoint in that page's spelling; its examples do not show one.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

from . import ministack_cloudwatch as eventbridge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .endpoint import Endpoint
    from .fleet import Fleet
    from .variant import Variant

_log = logging.getLogger("slipway.local_cloud")
STATE_CHANGE: Final = "SageMaker Endpoint State Change"
DEPLOYMENT_CHANGE: Final = "SageMaker Endpoint Deployment State Change"
MS: Final = 1000


def state_change(endpoint: Endpoint) -> None:
    """Tell of an endpoint's new status."""
    _put(STATE_CHANGE, endpoint, _detail(endpoint))


def deployment_change(endpoint: Endpoint, fleet: Fleet, status: str, message: str) -> None:
    """Tell how far a deployment is.

    Args:
        endpoint: The one that is updated.
        fleet: What it brings in.
        status: Of its variants, such as ``Baking``.
        message: The same, for people.
    """
    stages = [{"Status": status, "StatusMessage": message, "StartTime": int(time.time() * MS)}]
    variants = [{**_variant(variant), "VariantStatus": stages} for variant in fleet.variants.values()]
    summary = {"EndpointConfigName": fleet.config.name, "ProductionVariants": variants}
    _put(DEPLOYMENT_CHANGE, endpoint, {**_detail(endpoint), "PendingDeploymentSummary": summary})


def _detail(endpoint: Endpoint) -> dict[str, Any]:
    variants: Iterable[Variant] = () if endpoint.fleet is None else endpoint.fleet.variants.values()
    detail = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        "ProductionVariants": [_variant(variant) for variant in variants],
        "EndpointStatus": re.sub(r"(?<!^)(?=[A-Z])", "_", endpoint.status).upper(),
        "CreationTime": int(endpoint.created * MS),
        "LastModifiedTime": int(endpoint.modified * MS),
        "Tags": endpoint.tags,
    }
    return detail if endpoint.failure_reason is None else {**detail, "FailureReason": endpoint.failure_reason}


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": variant.count,
    }


def _put(detail_type: str, endpoint: Endpoint, detail: dict[str, Any]) -> None:
    try:
        eventbridge.put_event(endpoint.place, detail_type, endpoint.arn, detail)
    except Exception:  # noqa: BLE001  a rule's target that fails must not stop the endpoint
        _log.exception("an event of endpoint %s was lost", endpoint.name)
