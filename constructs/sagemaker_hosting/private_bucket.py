"""Buckets as this house makes them: private, versioned, TLS only, in one key, and they forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from sagemaker_hosting.acknowledge import acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct


EXPIRES: Final = "what lies here expires by design and is kept in the environment's own region"


def private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    retention_days: int,
    keep_data: bool,
    key: kms.IKey | None = None,
    access_logs: s3.IBucket | None = None,
    access_logs_prefix: str | None = None,
    expiring: str | None = None,
) -> s3.Bucket:
    """Define a bucket that takes nothing without TLS, and nothing encrypted otherwise than it does itself.

    Args:
        scope: What it belongs to.
        construct_id: Its id there.
        retention_days: After so many days an object expires; its old versions a month later at the latest.
        keep_data: Whether it outlives the stack. AWS deletes a bucket only when it is empty, which one that is not
            kept becomes by itself once its objects expired.
        key: Encrypts what lies in it.
            Default: S3's own, for access logs, because log delivery accepts no other.
        access_logs: Takes the log of who reads it.
            Default: nobody does, for buckets that hold such logs.
        access_logs_prefix: Where in that bucket.
        expiring: What the keys of objects that expire begin with; the others stay.
            Default: all of them expire.
    """
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        lifecycle_rules=_rules(retention_days, expiring),
        minimum_tls_version=1.2,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep_data else RemovalPolicy.DESTROY,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=access_logs_prefix,
        versioned=True,
        **_encryption(key),
    )
    for statement in () if key is None else _no_other_encryption(bucket, key):
        bucket.add_to_resource_policy(statement)
    _explain(bucket, encrypted_by_s3=key is None, stays=expiring is not None)
    return bucket


def _encryption(key: kms.IKey | None) -> dict[str, Any]:
    if key is None:
        return {"encryption": s3.BucketEncryption.S3_MANAGED}
    return {"encryption": s3.BucketEncryption.KMS, "encryption_key": key, "bucket_key_enabled": True}


def _explain(bucket: s3.Bucket, *, encrypted_by_s3: bool, stays: bool) -> None:
    """Say why such a bucket does otherwise than two rules ask."""
    why = "what stays here can be built again from its sources" if stays else EXPIRES
    guarded = f"{why}; versions guard it against mistakes meanwhile"
    acknowledge(bucket, "NIST.800.53.R5-S3BucketReplicationEnabled", guarded)
    if encrypted_by_s3:
        no_key = "the log delivery of S3 writes to no bucket whose default encryption is a KMS key"
        acknowledge(bucket, "NIST.800.53.R5-S3DefaultEncryptionKMS", no_key)


def _no_other_encryption(bucket: s3.Bucket, key: kms.IKey) -> list[iam.PolicyStatement]:
    """Refuse what asks for another encryption; what asks for none gets the bucket's own."""
    header = "s3:x-amz-server-side-encryption"
    own = {header: "aws:kms", f"{header}-aws-kms-key-id": key.key_arn}
    return [
        iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects("*")],
            conditions={"Null": {name: "false"}, "StringNotEquals": {name: value}},
        )
        for sid, (name, value) in zip(("NoOtherEncryption", "NoOtherKey"), own.items(), strict=True)
    ]


def _rules(retention_days: int, expiring: str | None) -> list[s3.LifecycleRule]:
    expiration, abandoned = Duration.days(retention_days), Duration.days(1)
    replaced = Duration.days(min(30, retention_days))
    if expiring is None:
        return [
            s3.LifecycleRule(
                id="Expire",
                abort_incomplete_multipart_upload_after=abandoned,
                expiration=expiration,
                noncurrent_version_expiration=replaced,
            )
        ]
    return [
        s3.LifecycleRule(id="Expire", expiration=expiration, prefix=expiring),
        s3.LifecycleRule(
            id="Tidy", abort_incomplete_multipart_upload_after=abandoned, noncurrent_version_expiration=replaced
        ),
    ]
