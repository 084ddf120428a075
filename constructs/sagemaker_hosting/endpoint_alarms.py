from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.async_parts import AsyncAlarms
    from slipway.specs.parts import Alarms

US_PER_MS: Final = 1000


class EndpointAlarms(Construct):
    """Define the alarms of an endpoint's variants; each notifies a topic.

    ``Invocation5XXErrors`` is 0 or 1 for each request, so that its average is a rate from 0 to 1; ``ModelLatency`` is
    in microseconds. Neither exists while nobody calls, which is no reason for alarm.

    Args:
        endpoint_name: Of the watched endpoint.
        variants: Names of the variants, each watched on its own.
        bounds: When a variant is unwell.
        topic_arn: Of the topic that hears of it.
        endpoint_config_name: Watch the fleet of this config alone, for a rollout that alarms shall call back.
            Default: whatever fleet answers for the variant is watched.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variants: Sequence[str],
        bounds: Alarms | AsyncAlarms,
        topic_arn: str,
        endpoint_config_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint_name
        self._config_name = endpoint_config_name
        self._topic_arn = topic_arn
        self.alarms = [alarm for variant in variants for alarm in self._watch(variant, bounds)]

    def _watch(self, variant: str, bounds: Alarms | AsyncAlarms) -> list[cloudwatch.CfnAlarm]:
        scope = Construct(self, variant)
        alarms = [
            self._alarm(
                scope,
                "ErrorRate",
                variant=variant,
                description=f"more than {bounds.error_rate:.2%} of the requests to {variant} end in a 5xx",
                metric_name="Invocation5XXErrors",
                statistic="Average",
                threshold=bounds.error_rate,
            )
        ]
        if bounds.p99_latency_ms is not None:
            latency = self._alarm(
                scope,
                "P99Latency",
                variant=variant,
                description=f"99 of 100 answers of {variant} no longer come within {bounds.p99_latency_ms:g} ms",
                metric_name="ModelLatency",
                extended_statistic="p99",
                threshold=bounds.p99_latency_ms * US_PER_MS,
            )
            alarms.append(latency)
        return alarms

    def _alarm(
        self, scope: Construct, construct_id: str, *, variant: str, description: str, **metric: Any
    ) -> cloudwatch.CfnAlarm:
        # In a rollout a minute is enough: a wrong way back costs a deployment, a wrong release costs the callers.
        periods, datapoints = (5, 3) if self._config_name is None else (1, 1)
        return cloudwatch.CfnAlarm(
            scope,
            construct_id,
            alarm_actions=[self._topic_arn],
            alarm_description=f"{self._endpoint_name}: {description}",
            comparison_operator="GreaterThanThreshold",
            datapoints_to_alarm=datapoints,
            dimensions=self._dimensions(variant),
            evaluation_periods=periods,
            namespace="AWS/SageMaker",
            ok_actions=[self._topic_arn],
            period=60,
            treat_missing_data="notBreaching",
            **metric,
        )

    def _dimensions(self, variant: str) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
        values = {"EndpointName": self._endpoint_name, "VariantName": variant}
        if self._config_name is not None:
            values["EndpointConfigName"] = self._config_name
        return [cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in values.items()]
