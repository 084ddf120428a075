from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from sagemaker_hosting.artifact_bucket import ArtifactBucket
from sagemaker_hosting.build_machine import BuildMachine
from sagemaker_hosting.build_role import COMPILATION, OPTIMIZATION, BuildRole
from sagemaker_hosting.build_workflow import definition
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.placement import Placement
from sagemaker_hosting.server_image import BuildImage
from slipway.specs.request import jobs_prefix

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from aws_cdk import aws_kms as kms

    from slipway.specs import EnvironmentSpec
    from slipway.specs.environment import Builds


class ModelBuilds(Construct):
    """Define what builds models in processing jobs: bucket, image, roles and the workflow that fans out.

    Args:
        builds: As the environment has it.
        environment: Network, retention.
        key: Encrypts sources, artifacts, volumes and logs.
        name: Of the stack; what the jobs' names begin with.
        source_root: Folder that holds ``containers/``, ``model_build/``, ``serving/`` and ``slipway/``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        builds: Builds,
        environment: EnvironmentSpec,
        key: kms.IKey,
        name: str,
        source_root: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        keep, days = environment.keep_data, environment.log_retention_days
        bucket = ArtifactBucket(self, "Artifacts", keep_data=keep, key=key, retention_days=days).bucket
        image = BuildImage(self, "Image", prebuilt=builds.image, source_root=source_root)
        role = BuildRole(self, "JobRole", bucket=bucket, key_arn=key.key_arn)
        image.grant_pull(role.role)
        optimizing = BuildRole(
            self,
            "OptimizationRole",
            bucket=bucket,
            key_arn=key.key_arn,
            telling=OPTIMIZATION,
            logs=[COMPILATION],
        )
        network = self._vpc_config(environment, role, optimizing)
        workflow = definition(
            bucket=bucket.bucket_name,
            image=image.uri,
            key_arn=key.key_arn,
            max_at_once=builds.max_at_once,
            role_arn=role.role.role_arn,
            vpc_config=network,
        )
        # Groups that services deliver to share one resource policy, which is full one day but for this prefix.
        logs = LogGroup(
            self,
            "Logs",
            keep_data=keep,
            key_arn=key.key_arn,
            name=f"/aws/vendedlogs/states/{name}",
            retention_days=days,
        )
        machine = BuildMachine(
            self, "Machine", definition=workflow, job_names=jobs_prefix(name), job_role=role.role, log_group=logs
        )
        told = {
            "ArtifactBucketName": bucket.bucket_name,
            "BuildKeyArn": key.key_arn,
            "BuildMachineArn": machine.arn,
            "OptimizationRoleArn": optimizing.role.role_arn,
        }
        if network is not None:  # optimization jobs are begun by whoever builds, and run where the others do
            told["BuildSecurityGroups"] = ",".join(network["SecurityGroupIds"])
            told["BuildSubnets"] = ",".join(network["Subnets"])
        for output, value in told.items():
            CfnOutput(Stack.of(self), output, value=value)

    def _vpc_config(self, environment: EnvironmentSpec, *roles: BuildRole) -> dict[str, Any] | None:
        if environment.network is None:
            return None
        placement = Placement(self, "Placement", description="Builds of models", network=environment.network)
        for role in roles:
            role.grant_network(environment.network, placement.security_groups)
        return {"SecurityGroupIds": placement.security_groups, "Subnets": list(environment.network.subnets)}
