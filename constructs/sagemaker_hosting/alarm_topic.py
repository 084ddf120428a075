from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class AlarmTopic(Construct):
    """Define the encrypted topic that this account's alarms and EventBridge rules publish to.

    Args:
        key: Encrypts notifications; its policy must let CloudWatch and EventBridge use it.
        email: Who hears of an alarm, once they confirmed the subscription.
            Default: nobody, until somebody subscribes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, email: str | None = None) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Resource", enforce_ssl=True, master_key=key)
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        rules = stack.format_arn(service="events", resource="rule", resource_name="*")
        self.topic.add_to_resource_policy(self._may_publish("AlarmsMayPublish", "cloudwatch.amazonaws.com", alarms))
        self.topic.add_to_resource_policy(self._may_publish("RulesMayPublish", "events.amazonaws.com", rules))
        if email is not None:
            sns.Subscription(self, "Email", endpoint=email, protocol=sns.SubscriptionProtocol.EMAIL, topic=self.topic)

    def _may_publish(self, sid: str, service: str, sources: str) -> iam.PolicyStatement:
        # A topic with a policy of its own loses the default one, by which the account's alarms could publish.
        return iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(service)],
            actions=["sns:Publish"],
            resources=[self.topic.topic_arn],
            conditions={
                "ArnLike": {"aws:SourceArn": sources},
                "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
            },
        )
