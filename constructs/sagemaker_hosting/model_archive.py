from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import AssetHashType, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge_wildcard
from sagemaker_hosting.whole_copy import require_whole

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import AssetStaging


class ModelArchive(Construct):
    """Upload one model's archive, once for each digest.

    The bytes are not hashed at synth: the digest names what went into them, and the lock was checked against them. CDK
    hashes the digest once more and cuts the name to ``.gz``, which SageMaker takes (so do the integration tests of
    CDK's own SageMaker module). The object lies under the prefix that the stack gives to all of its uploads.

    Args:
        model: Its name.
        digest: Of what is in it.
        file: The archive.
    """

    def __init__(self, scope: Construct, construct_id: str, *, model: str, digest: str, file: Path) -> None:
        super().__init__(scope, construct_id)
        self._asset = s3_assets.Asset(
            self,
            "Resource",
            asset_hash=digest,
            asset_hash_type=AssetHashType.CUSTOM,
            display_name=f"model {model} {digest[:12]}",
            path=str(file),
        )
        require_whole(cast("AssetStaging", self._asset.node.find_child("Stage")).absolute_staged_path, file)
        self.url = self._asset.s3_object_url

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read every archive that this endpoint uploaded.

        An exact key would lock the running fleet out of its own archive as soon as the next one is deployed: it reads
        the archive again whenever it scales out, and a rollout is watched for many minutes.
        """
        stack, folder = Stack.of(self), self._asset.s3_object_key.rpartition("/")[0]
        archives = stack.format_arn(
            service="s3",
            account="",
            region="",
            resource=self._asset.s3_bucket_name,
            resource_name=f"{folder}/*.gz",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                conditions={"StringEquals": {"aws:ResourceAccount": stack.account}},
                resources=[archives],
            )
        )
        acknowledge_wildcard(role, archives, "a fleet that scales out during a rollout reads the former archive again")
