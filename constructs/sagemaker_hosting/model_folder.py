from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType, AssetStaging, FileAssetPackaging, Stack
from constructs import Construct

from sagemaker_hosting.folder_rights import grant_folder
from sagemaker_hosting.whole_copy import require_whole
from slipway.specs.servers.packing import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import FileAssetLocation, IStackSynthesizer
    from aws_cdk import aws_iam as iam

    from sagemaker_hosting.served import Served
    from slipway.specs.servers.packing import Packed


class ModelFolder(Construct):
    """Upload the archives of several models into one folder of their own, each under its model's name.

    The folder is named by what lies in it, so that nothing in it ever changes: another set of models, or one model
    built anew, is another folder, while a running fleet goes on reading the former. CDK names an object by the hash
    that it is given and the ending of its file; a folder before the name is part of that hash.

    Args:
        models: The built models and what answers for them; no two of one name.
        uploads: Takes files up for this stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, models: Sequence[Served], uploads: IStackSynthesizer
    ) -> None:
        super().__init__(scope, construct_id)
        self._uploads = uploads
        ready = {it.artifact.model: packed(it.artifact, it.server, it.machine) for it in models}
        digest = _digest(ready)
        uploaded = [self._upload(name, one, digest) for name, one in ready.items()]
        self._bucket = uploaded[0].bucket_name
        self.url = f"{uploaded[0].s3_object_url.rpartition('/')[0]}/"
        self.keys = [one.object_key for one in uploaded]

    def _upload(self, name: str, one: Packed, digest: str) -> FileAssetLocation:
        stack = Stack.of(self)
        staged = AssetStaging(
            self,
            name,
            asset_hash=one.digest,
            asset_hash_type=AssetHashType.CUSTOM,
            source_path=str(one.archive),
        )
        if one.archive is not None:  # several models are archives, all of them
            require_whole(staged.absolute_staged_path, one.archive)
        return self._uploads.add_file_asset(
            display_name=f"model {name} {one.digest[:12]}",
            file_name=staged.relative_staged_path(stack),
            packaging=FileAssetPackaging.FILE,
            source_hash=f"{digest}/{name}.tar",  # the file's own ending, .gz, follows
        )

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read every archive that this endpoint uploaded, now or before.

        A fleet that scales out during a rollout reads the former folder again.
        """
        grant_folder(role, bucket=self._bucket, prefix=f"{self.keys[0].rsplit('/', 2)[0]}/", ending=".gz")


def _digest(ready: Mapping[str, Packed]) -> str:
    lines = sorted(f"{name} {one.digest}" for name, one in ready.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
