"""What a role needs to serve models from a folder in S3: to read what is in it, and to see what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from sagemaker_hosting.acknowledge import acknowledge_wildcard

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLERS: Final = "callers name the archive, and the folder is this endpoint's to serve from"


def grant_folder(
    role: iam.Role, *, bucket: str, prefix: str, ending: str = "", key_arn: str | None = None, why: str = CALLERS
) -> None:
    """Let a role read what lies below a prefix, in this account alone.

    Without the right to list them, S3 answers 403 for an archive that is not there, and callers would be told of rights
    where they misspelt a name.

    Args:
        role: Of the endpoint.
        bucket: Its name.
        prefix: Ends with a slash.
        ending: Of the archives' names.
        key_arn: Of the key that encrypts them.
            Default: S3 encrypts them by itself.
        why: The sentence that says why no object is named.
            Default: callers name it.
    """
    stack = Stack.of(role)
    arn, account = f"arn:{stack.partition}:s3:::{bucket}", {"aws:ResourceAccount": stack.account}
    archives, below = f"{arn}/{prefix}*{ending}", {"s3:prefix": f"{prefix}*"}
    _allow(role, ["s3:GetObject"], archives, {"StringEquals": account})
    _allow(role, ["s3:ListBucket"], arn, {"StringEquals": account, "StringLike": below})
    acknowledge_wildcard(role, archives, why)
    if key_arn is not None:
        _allow(role, ["kms:Decrypt"], key_arn, None)


def _allow(role: iam.Role, actions: Sequence[str], resource: str, conditions: dict[str, object] | None) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), conditions=conditions, resources=[resource]))
