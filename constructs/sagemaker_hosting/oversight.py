from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from constructs import Construct

from sagemaker_hosting.endpoint_dashboard import EndpointDashboard
from sagemaker_hosting.rollout_announcement import RolloutAnnouncement
from sagemaker_hosting.unhealthy_alarm import UnhealthyAlarm

if TYPE_CHECKING:
    from sagemaker_hosting.endpoint_watch import EndpointWatch


class Oversight(Construct):
    """Define what is made from all of an endpoint's alarms: one alarm over them, a dashboard, and word of rollbacks.

    Args:
        watch: Of the endpoint; no alarm may be added to it afterwards.
    """

    def __init__(self, scope: Construct, construct_id: str, *, watch: EndpointWatch) -> None:
        super().__init__(scope, construct_id)
        # The stack's name is unique in the account, and no stack is named like the environment's dashboard.
        stack_name = Stack.of(self).stack_name
        self.unhealthy_name = f"{stack_name}-unhealthy"
        unhealthy = UnhealthyAlarm(self, "Unhealthy", name=self.unhealthy_name, watch=watch)
        EndpointDashboard(self, "Dashboard", name=stack_name, unhealthy=unhealthy, watch=watch)
        RolloutAnnouncement(self, "Announcement", watch=watch)
