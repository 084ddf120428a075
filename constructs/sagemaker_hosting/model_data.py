"""Where a container's model comes from: an archive that this stack uploads, or files that lie in S3 already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.folder_rights import grant_folder
from sagemaker_hosting.model_archive import ModelArchive

if TYPE_CHECKING:
    from constructs import Construct

    from sagemaker_hosting.execution_role import ExecutionRole
    from slipway.specs import Artifact
    from slipway.specs.location import Location


def model_data(scope: Construct, construct_id: str, *, artifact: Artifact, role: ExecutionRole) -> dict[str, Any]:
    """Return what a container definition says of its model, and let a role read that and nothing else.

    Args:
        scope: What an upload belongs to.
        construct_id: Its id there.
        artifact: The built model.
        role: Of the endpoint.
    """
    location = artifact.locked.read_at
    if location is None:
        archive = ModelArchive(scope, construct_id, artifact=artifact)
        archive.grant_read(role.role)
        return {"model_data_url": archive.url}
    why = "the model is all files of one folder, which holds this artifact and no other"
    grant_folder(role.role, bucket=location.bucket, key_arn=location.key_arn, prefix=location.prefix, why=why)
    return {"model_data_source": _files(location)}


def _files(location: Location) -> sagemaker.CfnModel.ModelDataSourceProperty:
    return sagemaker.CfnModel.ModelDataSourceProperty(
        s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
            compression_type="None", s3_data_type="S3Prefix", s3_uri=location.uri
        )
    )
