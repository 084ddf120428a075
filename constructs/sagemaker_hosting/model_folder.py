from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType, AssetStaging, FileAssetPackaging, Stack
from constructs import Construct

from sagemaker_hosting.folder_rights import grant_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import FileAssetLocation, IStackSynthesizer
    from aws_cdk import aws_iam as iam

    from slipway.specs import Artifact


class ModelFolder(Construct):
    """Upload the archives of several models into one folder of their own, each under its model's name.

    The folder is named by what lies in it, so that nothing in it ever changes: another set of models, or one model
    built anew, is another folder, while a running fleet goes on reading the former. CDK names an object by the hash
    that it is given and the ending of its file; a folder before the name is part of that hash.

    Args:
        artifacts: The built models; no two of one name.
        uploads: Takes files up for this stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, artifacts: Sequence[Artifact], uploads: IStackSynthesizer
    ) -> None:
        super().__init__(scope, construct_id)
        self._uploads = uploads
        digest = _digest(artifacts)
        uploaded = [self._upload(artifact, digest) for artifact in artifacts]
        self._bucket = uploaded[0].bucket_name
        self.url = f"{uploaded[0].s3_object_url.rpartition('/')[0]}/"
        self.keys = [one.object_key for one in uploaded]

    def _upload(self, artifact: Artifact, digest: str) -> FileAssetLocation:
        stack = Stack.of(self)
        staged = AssetStaging(
            self,
            artifact.model,
            asset_hash=artifact.locked.digest,
            asset_hash_type=AssetHashType.CUSTOM,
            source_path=str(artifact.archive),
        )
        return self._uploads.add_file_asset(
            display_name=f"model {artifact.model} {artifact.locked.digest[:12]}",
            file_name=staged.relative_staged_path(stack),
            packaging=FileAssetPackaging.FILE,
            source_hash=f"{digest}/{artifact.model}.tar",  # the file's own ending, .gz, follows
        )

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read every archive that this endpoint uploaded, now or before.

        A fleet that scales out during a rollout reads the former folder again.
        """
        grant_folder(role, bucket=self._bucket, prefix=f"{self.keys[0].rsplit('/', 2)[0]}/", ending=".gz")


def _digest(artifacts: Sequence[Artifact]) -> str:
    lines = sorted(f"{artifact.model} {artifact.locked.digest}" for artifact in artifacts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
