"""Where a container's model comes from: an archive that this stack uploads, or files that lie in S3 already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.folder_rights import grant_folder
from sagemaker_hosting.model_archive import ModelArchive
from sagemaker_hosting.model_files import ModelFiles
from slipway.specs.servers.packing import packed

if TYPE_CHECKING:
    from aws_cdk import IStackSynthesizer
    from constructs import Construct

    from sagemaker_hosting.execution_role import ExecutionRole
    from sagemaker_hosting.served import Served


def model_data(
    scope: Construct, construct_id: str, *, served: Served, role: ExecutionRole, uploads: IStackSynthesizer
) -> dict[str, Any]:
    """Return what a container definition says of its model, and let a role read that and nothing else.

    Args:
        scope: What an upload belongs to.
        construct_id: Its id there.
        served: The built model, and what answers for it.
        role: Of the endpoint.
        uploads: Takes files up for this stack.
    """
    location = served.artifact.locked.read_at
    if location is None:
        return _uploaded(scope, construct_id, served, role, uploads)
    why = "the model is all files of one folder, which holds this artifact and no other"
    grant_folder(role.role, bucket=location.bucket, key_arn=location.key_arn, prefix=location.prefix, why=why)
    made = served.artifact.locked.optimized
    if made is not None and made.archive is not None:
        return {"model_data_url": location.uri + made.archive}
    return {"model_data_source": _files(location.uri)}


def _uploaded(
    scope: Construct, construct_id: str, served: Served, role: ExecutionRole, uploads: IStackSynthesizer
) -> dict[str, Any]:
    ready = packed(served.artifact, served.server, served.machine)
    if ready.archive is None:
        files = ModelFiles(scope, construct_id, packed=ready, uploads=uploads)
        files.grant_read(role.role)
        return {"model_data_source": _files(files.url)}
    archive = ModelArchive(scope, construct_id, model=served.artifact.model, digest=ready.digest, file=ready.archive)
    archive.grant_read(role.role)
    return {"model_data_url": archive.url}


def _files(uri: str) -> sagemaker.CfnModel.ModelDataSourceProperty:
    return sagemaker.CfnModel.ModelDataSourceProperty(
        s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
            compression_type="None", s3_data_type="S3Prefix", s3_uri=uri
        )
    )
