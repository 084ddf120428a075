from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.endpoint_watch import bounded
from slipway.catalog.alarms import VARIANT_ALARMS

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.catalog import Alarm
    from slipway.specs.alarms import AnswerAlarms


class EndpointAlarms(Construct):
    """Define the alarms of an endpoint's variants, each watched on its own; each notifies the environment's topic.

    Args:
        bounds: When a variant is unwell; what has no bound is not watched.
        watch: Of the endpoint.
        endpoint_config_name: Watch the fleet of this config alone, and only that by which a rollout is judged.
            Default: whatever fleet answers for the variant is watched.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bounds: AnswerAlarms,
        watch: EndpointWatch,
        endpoint_config_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._watch = watch
        self.alarms: list[cloudwatch.CfnAlarm] = []
        for variant in watch.fleets:
            of_variant = Construct(self, variant)
            for alarm, bound in bounded(bounds, VARIANT_ALARMS):
                if endpoint_config_name is None:
                    self._operating(of_variant, alarm, bound, variant)
                elif alarm.rolls_back:
                    self.alarms.append(
                        watch.add_rollback(
                            of_variant, alarm, bound=bound, endpoint_config_name=endpoint_config_name, variant=variant
                        )
                    )

    def _operating(self, scope: Construct, alarm: Alarm, bound: float, variant: str) -> None:
        machine = self._watch.machine(variant)
        if alarm.metric.startswith("GPU") and (machine is None or not machine.gpus):
            return  # another variant has GPUs: where none does, the spec is refused
        self.alarms.append(
            self._watch.add(scope, alarm, bound=bound, dimensions={"VariantName": variant}, whose=variant)
        )
