from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.endpoint_watch import bounded
from slipway.catalog.alarms import COMPONENT_ALARMS, NO_CAPACITY

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

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
        always_there: Whether it keeps a copy, so that a request which finds none is a fault.
            Default: it may sleep, and such a request wakes it up.
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
        always_there: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        watch.components.append(component)
        dimensions = {"InferenceComponentName": component}
        for alarm, bound in bounded(bounds, COMPONENT_ALARMS):
            if gpus or not alarm.metric.startswith("GPU"):
                watch.add(self, alarm, bound=bound, dimensions=dimensions, whose=component)
        if always_there:
            watch.add(self, NO_CAPACITY, bound=0, dimensions=dimensions, whose=component)


class ComponentRollbackAlarms(Construct):
    """Define the alarms that call the update of one inference component back; each notifies the environment's topic.

    SageMaker counts a component's requests under its name alone, whatever version of it answers.

    Args:
        bounds: When a component is unwell.
        component: Its name in the account.
        watch: Of the endpoint.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bounds: AnswerAlarms, component: str, watch: EndpointWatch
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: list[cloudwatch.CfnAlarm] = [
            watch.add_component_rollback(self, alarm, bound=bound, component=component)
            for alarm, bound in bounded(bounds, COMPONENT_ALARMS)
            if alarm.rolls_back
        ]
