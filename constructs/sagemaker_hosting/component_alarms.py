from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.endpoint_watch import bounded
from slipway.catalog.alarms import COMPONENT_ALARMS

if TYPE_CHECKING:
    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.specs.alarms import AnswerAlarms


class ComponentAlarms(Construct):
    """Define the alarms of one inference component; each notifies the environment's topic.

    What a copy uses is measured against what it reserved.

    Args:
        bounds: When a component is unwell; what has no bound is not watched.
        component: Its name in the account.
        gpus: Whether its copies have accelerators.
        watch: Of the endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bounds: AnswerAlarms,
        component: str,
        gpus: bool,
        watch: EndpointWatch,
    ) -> None:
        super().__init__(scope, construct_id)
        watch.components.append(component)
        for alarm, bound in bounded(bounds, COMPONENT_ALARMS):
            if gpus or not alarm.metric.startswith("GPU"):
                watch.add(self, alarm, bound=bound, dimensions={"InferenceComponentName": component}, whose=component)
