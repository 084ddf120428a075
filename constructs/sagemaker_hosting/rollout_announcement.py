from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from constructs import Construct

from slipway.catalog.alarms import ROLLBACK_RUNBOOK

if TYPE_CHECKING:
    from sagemaker_hosting.endpoint_watch import EndpointWatch

# Source: "Events that Amazon SageMaker AI sends to Amazon EventBridge" shows both types, and statuses in capitals. What
# a failed update looks like it does not show: that its event carries the FailureReason that DescribeEndpoint gives then
# is a guess, and so are the spellings of the API, which rules in the wild rely on.
TYPES: Final = ["SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"]
STATUSES: Final = [
    "FAILED",
    "Failed",
    "ROLLING_BACK",
    "RollingBack",
    "UPDATE_ROLLBACK_FAILED",
    "UpdateRollbackFailed",
]


class RolloutAnnouncement(Construct):
    """Announce, in a sentence on the environment's topic, that a deployment of an endpoint failed or was taken back.

    Deployments that go well are announced nowhere. SageMaker may send an event twice.

    Args:
        watch: Of the endpoint.
    """

    def __init__(self, scope: Construct, construct_id: str, *, watch: EndpointWatch) -> None:
        super().__init__(scope, construct_id)
        words = watch.describe(
            "a deployment failed or was rolled back at <time>. The endpoint is <status> with config <config>. <reason>",
            ROLLBACK_RUNBOOK,
        )
        rule = events.CfnRule
        rule(
            self,
            "Resource",
            description=f"Failed and rolled back deployments of {watch.endpoint_name}",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": TYPES,
                "detail": {
                    "EndpointName": [watch.endpoint_name],
                    "$or": [{"EndpointStatus": STATUSES}, {"FailureReason": [{"wildcard": "*"}]}],
                },
            },
            targets=[
                rule.TargetProperty(
                    arn=watch.topic_arn,
                    id="Topic",
                    input_transformer=rule.InputTransformerProperty(
                        input_paths_map={
                            "config": "$.detail.EndpointConfigName",
                            "reason": "$.detail.FailureReason",
                            "status": "$.detail.EndpointStatus",
                            "time": "$.time",
                        },
                        input_template=f'"{words}"',
                    ),
                )
            ],
        )
