from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_hosting.dashboard_graphs import graphs, placed

if TYPE_CHECKING:
    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from sagemaker_hosting.unhealthy_alarm import UnhealthyAlarm

MOST_ALARMS = 100


class EndpointDashboard(Construct):
    """Define an endpoint's dashboard: its alarms, and what its kind publishes with the alarms' bounds across it.

    Args:
        name: Of the dashboard; no other in the account has it, in whatever region.
        watch: Of the endpoint, with all its alarms.
        unhealthy: The one alarm over all of them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, watch: EndpointWatch, unhealthy: UnhealthyAlarm
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        arns = [unhealthy.alarm.attr_arn, *(watched.resource.attr_arn for watched in watch.operating)]
        alarms = {
            "type": "alarm",
            "x": 0,
            "y": 0,
            "width": 24,
            "height": 4,
            "properties": {"alarms": arns[:MOST_ALARMS], "title": "Alarms"},
        }
        body = {"widgets": [alarms, *placed(graphs(watch, stack.region), top=4)]}
        cloudwatch.CfnDashboard(self, "Resource", dashboard_body=stack.to_json_string(body), dashboard_name=name)
