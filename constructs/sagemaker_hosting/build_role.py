from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from sagemaker_hosting.acknowledge import acknowledge_wildcard
from sagemaker_hosting.execution_role import ExecutionRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_s3 as s3
    from constructs import Construct

PROCESSING: Final = "/aws/sagemaker/ProcessingJobs"
"""Namespace of the metrics, and log group, of every processing job of an account and region; SageMaker makes them."""
OPTIMIZATION: Final = "/aws/sagemaker/OptimizationJobs"
"""Likewise of optimization jobs. That it is called so is a guess, after those of other jobs."""
COMPILATION: Final = "/aws/sagemaker/CompilationJobs"
"""Likewise of SageMaker Neo's."""


class BuildRole(ExecutionRole):
    """Define the role of jobs: they read sources, write artifacts and say what they do.

    Args:
        bucket: Holds sources and artifacts.
        key_arn: Encrypts them, and the jobs' volumes.
        telling: Where the jobs put metrics and logs.
            Default: where processing jobs do.
        logs: Where jobs of another kind, which have the same role, put their logs.
            Default: there is none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        key_arn: str,
        telling: str = PROCESSING,
        logs: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id, metrics=telling)
        self._grant_files(bucket)
        for group in (telling, *logs):
            self._grant_logs(group)
        self.grant_key(key_arn)
        # The volume's key is lent to the machine, and to nothing else.
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
                resources=[key_arn],
            )
        )

    def _grant_files(self, bucket: s3.IBucket) -> None:
        sources, artifacts = bucket.arn_for_objects("sources/*"), bucket.arn_for_objects("artifacts/*")
        below = {"StringLike": {"s3:prefix": "sources/*"}}
        for actions, resource, conditions in (
            (["s3:GetObject"], sources, None),
            (["s3:ListBucket"], bucket.bucket_arn, below),
            (["s3:PutObject"], artifacts, None),
        ):
            self.role.add_to_policy(iam.PolicyStatement(actions=actions, conditions=conditions, resources=[resource]))
        why = "a folder for each model and digest, which are not known when the stack is defined"
        acknowledge_wildcard(self, sources, why)
        acknowledge_wildcard(self, artifacts, why)

    def _grant_logs(self, name: str) -> None:
        group = Stack.of(self).format_arn(service="logs", resource=f"log-group:{name}:*")
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[group],
            )
        )
        acknowledge_wildcard(self, group, "SageMaker names a log stream for each job, in its own group for all of them")
