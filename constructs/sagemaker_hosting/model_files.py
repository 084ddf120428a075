from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType, AssetStaging, FileAssetPackaging, Stack
from constructs import Construct

from sagemaker_hosting.folder_rights import grant_folder
from sagemaker_hosting.whole_copy import require_whole

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import FileAssetLocation, IStackSynthesizer
    from aws_cdk import aws_iam as iam

    from slipway.specs.servers.packing import Packed


class ModelFiles(Construct):
    """Upload the files of one model under a prefix of their own, unpacked, as large models are read.

    The prefix is named by what lies below it, so that nothing there ever changes.

    Args:
        packed: The files.
        uploads: Takes files up for this stack.
    """

    def __init__(self, scope: Construct, construct_id: str, *, packed: Packed, uploads: IStackSynthesizer) -> None:
        super().__init__(scope, construct_id)
        self._digest, self._uploads = packed.digest, uploads
        uploaded = {name: self._upload(name, file) for name, file in packed.files.items()}
        first = next(iter(uploaded))
        self._bucket = uploaded[first].bucket_name
        self.url = uploaded[first].s3_object_url.removesuffix(first)
        self.keys = [one.object_key for one in uploaded.values()]
        self._folder = uploaded[first].object_key.removesuffix(f"{self._digest}/{first}")

    def _upload(self, name: str, file: Path) -> FileAssetLocation:
        staged = AssetStaging(
            self,
            name,
            asset_hash=hashlib.sha256(f"{self._digest} {name}".encode()).hexdigest(),
            asset_hash_type=AssetHashType.CUSTOM,
            source_path=str(file),
        )
        require_whole(staged.absolute_staged_path, file)
        return self._uploads.add_file_asset(
            display_name=f"{name} of {self._digest[:12]}",
            # CDK adds the ending of the path to the hash, and takes what has one hash for one file: without theirs,
            # model.py and model.safetensors would be. A path that ends in /. has no ending.
            file_name=f"{staged.relative_staged_path(Stack.of(self))}/.",
            packaging=FileAssetPackaging.FILE,
            source_hash=f"{self._digest}/{name}",
        )

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read the files of every version that this endpoint uploaded: a running fleet reads the former."""
        why = "a fleet that scales out during a rollout reads the former files again"
        grant_folder(role, bucket=self._bucket, prefix=self._folder, why=why)
