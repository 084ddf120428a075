from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge_wildcard
from sagemaker_hosting.private_bucket import private_bucket

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class RequestBucket(Construct):
    """Define the bucket that an asynchronous endpoint reads requests from and leaves answers in.

    Callers put requests under ``input/`` and find answers under ``output/``, or why there is none under ``failure/``. A
    front does likewise, with requests under ``input/front/`` and a note of each under ``tickets/``.
    A bucket of the endpoint's own: who may ask it and read what it said is decided on the bucket, and how long that is
    kept in the endpoint's spec. A second bucket logs who reads it.

    Args:
        key: Encrypts requests and answers.
        expire_days: After so many days they are deleted.
        log_retention_days: Likewise for the log.
        keep_data: Whether the buckets outlive the stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        expire_days: int,
        log_retention_days: int,
        keep_data: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = private_bucket(self, "AccessLogs", keep_data=keep_data, retention_days=log_retention_days)
        self.bucket = private_bucket(
            self,
            "Resource",
            access_logs=logs,
            access_logs_prefix="requests/",
            keep_data=keep_data,
            key=key,
            retention_days=expire_days,
        )
        self.output_uri = self.bucket.s3_url_for_object("output")
        self.failure_uri = self.bucket.s3_url_for_object("failure")

    def grant_work(self, role: iam.Role) -> None:
        """Let a role read requests and write answers, and neither read the ones nor write the others."""
        self._allow(role, ["s3:GetObject"], "input")
        for folder in ("output", "failure"):
            self._allow(role, ["s3:AbortMultipartUpload", "s3:PutObject"], folder)
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]))

    def grant_front(self, role: iam.Role) -> None:
        """Let a role submit requests of its own and read what became of them: no one else's requests."""
        self._allow(role, ["s3:PutObject"], "input/front")
        self._allow(role, ["s3:GetObject", "s3:PutObject"], "tickets")
        for folder in ("output", "failure"):
            self._allow(role, ["s3:GetObject"], folder)
        # Without this right, what is not there yet looks like what may not be read.
        role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]))

    def _allow(self, role: iam.Role, actions: list[str], folder: str) -> None:
        objects = self.bucket.arn_for_objects(f"{folder}/*")
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[objects]))
        acknowledge_wildcard(role, objects, "callers and SageMaker name the objects; the bucket is this endpoint's own")
