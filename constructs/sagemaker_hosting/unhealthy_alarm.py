from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from slipway.catalog.alarms import UNHEALTHY_RUNBOOK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sagemaker_hosting.endpoint_watch import EndpointWatch

# CloudWatch takes 100 children and 10,240 characters; CloudFormation's names have at most 255.
MOST_CHILDREN: Final = 35


class UnhealthyAlarm(Construct):
    """Define the one alarm that says whether an endpoint is well: it fires while any of its operating alarms does.

    Alarms on a new fleet are not among them: that fleet is judged by its rollout. Every alarm notifies on its own, too,
    since who mends a full disk need not be who hears of an endpoint's health.

    Args:
        name: Of the alarm in the account; dashboards of other stacks know it by this name.
        watch: Of the endpoint, with all its alarms.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, watch: EndpointWatch) -> None:
        super().__init__(scope, construct_id)
        self._watch = watch
        names = [watched.resource.ref for watched in watch.operating]
        parts = [names[start : start + MOST_CHILDREN] for start in range(0, len(names), MOST_CHILDREN)]
        if len(parts) > 1:  # ten variants with every alarm that there is
            names = [
                cloudwatch.CfnCompositeAlarm(
                    self, f"Part{number}", alarm_name=f"{name}-{number}", alarm_rule=_any_of(part)
                ).ref
                for number, part in enumerate(parts, start=1)
            ]
        self.alarm = cloudwatch.CfnCompositeAlarm(
            self,
            "Resource",
            alarm_actions=[watch.topic_arn],
            alarm_description=watch.describe(
                "the endpoint is unhealthy: look which of its alarms fire", UNHEALTHY_RUNBOOK
            ),
            alarm_name=name,
            alarm_rule=_any_of(names),
            ok_actions=[watch.topic_arn],
        )


def _any_of(names: Sequence[str]) -> str:
    return Fn.join(" OR ", [f'ALARM("{name}")' for name in names])
