from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms


class CaptureBucket(Construct):
    """Define the bucket that captured requests and answers go to, and the one that logs who reads them.

    Both are private and take nothing without TLS. Captured data is encrypted with the environment's key; access logs
    with S3's own, because log delivery accepts no other.

    Args:
        key: Encrypts captured data.
        retention_days: After so many days an object expires; its old versions a month later at the latest.
        keep_data: Whether the buckets outlive the stack. AWS deletes a bucket only when it is empty, which one that
            is not kept becomes by itself once its objects expired.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, retention_days: int, keep_data: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self._removal = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep_data else RemovalPolicy.DESTROY
        self._retention_days = retention_days
        self.access_logs = self._bucket("AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED)
        self.bucket = self._bucket(
            "Resource",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix="capture/",
        )

    def _bucket(
        self,
        construct_id: str,
        *,
        encryption: s3.BucketEncryption,
        encryption_key: kms.IKey | None = None,
        bucket_key_enabled: bool | None = None,
        server_access_logs_bucket: s3.IBucket | None = None,
        server_access_logs_prefix: str | None = None,
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            bucket_key_enabled=bucket_key_enabled,
            encryption=encryption,
            encryption_key=encryption_key,
            enforce_ssl=True,
            lifecycle_rules=[self._expiry()],
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=self._removal,
            server_access_logs_bucket=server_access_logs_bucket,
            server_access_logs_prefix=server_access_logs_prefix,
            versioned=True,
        )

    def _expiry(self) -> s3.LifecycleRule:
        return s3.LifecycleRule(
            id="Expire",
            abort_incomplete_multipart_upload_after=Duration.days(1),
            expiration=Duration.days(self._retention_days),
            noncurrent_version_expiration=Duration.days(min(30, self._retention_days)),
        )
