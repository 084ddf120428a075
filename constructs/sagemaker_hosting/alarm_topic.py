from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class AlarmTopic(Construct):
    """Define the encrypted topic that this account's alarms publish to.

    Args:
        key: Encrypts notifications; its policy must let CloudWatch use it.
        email: Who hears of an alarm, once they confirmed the subscription.
            Default: nobody, until somebody subscribes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, email: str | None = None) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Resource", enforce_ssl=True, master_key=key)
        self.topic.add_to_resource_policy(self._alarms_may_publish())
        if email is not None:
            sns.Subscription(self, "Email", endpoint=email, protocol=sns.SubscriptionProtocol.EMAIL, topic=self.topic)

    def _alarms_may_publish(self) -> iam.PolicyStatement:
        # A topic with a policy of its own loses the default one, by which the account's alarms could publish.
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return iam.PolicyStatement(
            sid="AlarmsMayPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[self.topic.topic_arn],
            conditions={
                "ArnLike": {"aws:SourceArn": alarms},
                "StringEquals": {"aws:SourceAccount": stack.account},
            },
        )
