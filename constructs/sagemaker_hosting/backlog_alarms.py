from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.endpoint_watch import bounded
from slipway.catalog.alarms import BACKLOG_ALARMS

if TYPE_CHECKING:
    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.specs.alarms import AsyncAlarms


class BacklogAlarms(Construct):
    """Define the alarms that only an asynchronous endpoint has; each notifies the environment's topic.

    The queue belongs to the endpoint, so that its metrics know no variant; what became of requests is counted for each
    variant. None of them exists while there is no request, which is no reason for alarm.

    Args:
        bounds: When the endpoint is unwell.
        variant: Whose failures are counted.
        watch: Of the endpoint.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bounds: AsyncAlarms, variant: str, watch: EndpointWatch
    ) -> None:
        super().__init__(scope, construct_id)
        for alarm, bound in bounded(bounds, BACKLOG_ALARMS):
            dimensions = {"VariantName": variant} if "VariantName" in alarm.dimensions else {}
            watch.add(self, alarm, bound=bound, dimensions=dimensions, whose=variant)
