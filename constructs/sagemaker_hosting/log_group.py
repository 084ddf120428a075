from __future__ import annotations

from functools import cached_property

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct


class LogGroup(Construct):
    """Define an encrypted log group that forgets.

    Args:
        key_arn: Of the key that encrypts it; the key's policy must let CloudWatch Logs use it.
        retention_days: One of the numbers that CloudWatch Logs accepts.
        keep_data: Whether it outlives its stack; a stack that could not be created takes it along in any case. A kept
            group of a given name must be deleted or imported before its stack can be created again.
        name: As the service that writes to it expects it.
            Default: CloudFormation names it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key_arn: str,
        retention_days: int,
        keep_data: bool,
        name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        resource = logs.CfnLogGroup(
            self, "Resource", kms_key_id=key_arn, log_group_name=name, retention_in_days=retention_days
        )
        resource.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep_data else RemovalPolicy.DESTROY)
        self._resource = resource

    @property
    def arn(self) -> str:
        """The group's ARN, as services that deliver to it take it."""
        return self._resource.attr_arn

    @cached_property
    def group(self) -> logs.ILogGroup:
        """The group as other constructs take it; made when one does, since most groups are only written to."""
        return logs.LogGroup.from_log_group_name(self, "Group", self._resource.ref)

    def grant_write(self, grantee: iam.IGrantable) -> None:
        """Let a role write log lines here."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[self._resource.attr_arn],
            )
        )
