from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class EncryptionKey(Construct):
    """Define the environment's own key, rotated every year.

    The account's identities need a right of their own to use it; CloudWatch and EventBridge may publish to an encrypted
    topic with it, and CloudWatch Logs may encrypt this account's log groups.

    Args:
        description: What the key is for.
        keep_data: Whether the key outlives the stack.
        publishes: Whether alarms and rules publish with it.
            Default: they do.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, description: str, keep_data: bool, publishes: bool = True
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Resource",
            description=description,
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep_data else RemovalPolicy.DESTROY,
        )
        if publishes:
            self.key.add_to_resource_policy(self._alarms_may_publish())
            self.key.add_to_resource_policy(self._rules_may_publish())
        self.key.add_to_resource_policy(self._logs_may_encrypt())

    def _alarms_may_publish(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="AlarmsMayPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],  # in a key's policy: this key
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
        )

    def _rules_may_publish(self) -> iam.PolicyStatement:
        # Source: SNS's guide on key management: for EventBridge and an encrypted topic, aws:SourceAccount and
        # aws:SourceArn are not supported in a key's policy, and nothing would arrive. The topic's policy has both.
        stack = Stack.of(self)
        topics = f"arn:{stack.partition}:sns:{stack.region}:{stack.account}:*"
        return iam.PolicyStatement(
            sid="RulesMayPublish",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],  # in a key's policy: this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}},
        )

    def _logs_may_encrypt(self) -> iam.PolicyStatement:
        stack = Stack.of(self)
        groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
        return iam.PolicyStatement(
            sid="LogsMayEncrypt",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],  # in a key's policy: this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
