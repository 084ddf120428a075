from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

if TYPE_CHECKING:
    from slipway.specs.async_parts import AsyncAlarms

FIVE_MINUTES: Final = 300


class BacklogAlarms(Construct):
    """Define the alarms that only an asynchronous endpoint has; each notifies a topic.

    The queue belongs to the endpoint, so that its metrics know no variant; what became of requests is counted for each
    variant. None of them exists while there is no request, which is no reason for alarm.

    Args:
        endpoint_name: Of the watched endpoint.
        variant: Whose failures are counted.
        bounds: When the endpoint is unwell.
        topic_arn: Of the topic that hears of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variant: str,
        bounds: AsyncAlarms,
        topic_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint_name
        self._topic_arn = topic_arn
        self._alarm(
            "OldestRequest",
            description=f"the oldest request has waited for more than {bounds.oldest_request_seconds} s",
            dimensions={"EndpointName": endpoint_name},
            datapoints_to_alarm=3,
            evaluation_periods=5,
            metric_name="ApproximateAgeOfOldestRequest",
            period=60,
            statistic="Maximum",
            threshold=bounds.oldest_request_seconds,
        )
        for metric, words in (("InvocationFailures", "failed"), ("ExpiredRequests", "left the queue unanswered")):
            self._alarm(
                metric,
                description=f"more than {bounds.failed_requests} requests {words} within five minutes",
                dimensions={"EndpointName": endpoint_name, "VariantName": variant},
                evaluation_periods=1,
                metric_name=metric,
                period=FIVE_MINUTES,
                statistic="Sum",
                threshold=bounds.failed_requests,
            )

    def _alarm(self, construct_id: str, *, description: str, dimensions: dict[str, str], **metric: Any) -> None:
        cloudwatch.CfnAlarm(
            self,
            construct_id,
            alarm_actions=[self._topic_arn],
            alarm_description=f"{self._endpoint_name}: {description}",
            comparison_operator="GreaterThanThreshold",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in dimensions.items()
            ],
            namespace="AWS/SageMaker",
            ok_actions=[self._topic_arn],
            treat_missing_data="notBreaching",
            **metric,
        )
