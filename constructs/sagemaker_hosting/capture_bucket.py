from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.private_bucket import private_bucket

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class CaptureBucket(Construct):
    """Define the bucket that captured requests and answers go to, and the one that logs who reads them.

    Args:
        key: Encrypts captured data.
        retention_days: After so many days an object expires; its old versions a month later at the latest.
        keep_data: Whether the buckets outlive the stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, retention_days: int, keep_data: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.access_logs = private_bucket(self, "AccessLogs", keep_data=keep_data, retention_days=retention_days)
        self.bucket = private_bucket(
            self,
            "Resource",
            access_logs=self.access_logs,
            access_logs_prefix="capture/",
            keep_data=keep_data,
            key=key,
            retention_days=retention_days,
        )
