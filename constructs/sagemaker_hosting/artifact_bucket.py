from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constructs import Construct

from sagemaker_hosting.private_bucket import private_bucket

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

SOURCES: Final = "sources/"
SOURCES_DAYS: Final = 30


class ArtifactBucket(Construct):
    """Define the bucket that models are built from and into, and the one that logs who reads them.

    What was uploaded to be built expires; artifacts stay, since endpoints may read them there.

    Args:
        key: Encrypts all of it.
        retention_days: After so many days an access log expires.
        keep_data: Whether the buckets outlive the stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, retention_days: int, keep_data: bool
    ) -> None:
        super().__init__(scope, construct_id)
        logs = private_bucket(self, "AccessLogs", keep_data=keep_data, retention_days=retention_days)
        self.bucket = private_bucket(
            self,
            "Resource",
            access_logs=logs,
            access_logs_prefix="artifacts/",
            expiring=SOURCES,
            keep_data=keep_data,
            key=key,
            retention_days=SOURCES_DAYS,
        )
