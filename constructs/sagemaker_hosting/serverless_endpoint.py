from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.endpoint_alarms import EndpointAlarms
from sagemaker_hosting.endpoint_watch import EndpointWatch
from sagemaker_hosting.execution_role import ExecutionRole
from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.provisioned_scaling import ProvisionedScaling
from sagemaker_hosting.server_images import ServerImages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, ServerlessEndpointSpec

VARIANT: Final = "AllTraffic"


class ServerlessEndpoint(Construct):
    """Define a serverless endpoint: one model that SageMaker starts when a request comes, or keeps warm.

    SageMaker allows it neither network isolation, nor a VPC, nor data capture, nor guarded rollouts.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: The model that it names.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: ServerlessEndpointSpec,
        endpoint_name: str,
        artifacts: Mapping[str, Artifact],
        site: Site,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ExecutionRole(self, "ExecutionRole")
        images = ServerImages(self, "Images", role=role, site=site)
        logs = LogGroup(
            self,
            "Logs",
            keep_data=site.environment.keep_data,
            key_arn=site.shared.key_arn,
            name=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            retention_days=site.environment.log_retention_days,
        )
        logs.grant_write(role.role)
        model = HostedModel(
            self,
            "Model",
            environment=spec.environment,
            role=role,
            served=images.serve(artifacts[spec.model], spec.server),
            uploads=site.uploads,
        )
        config = self._config(spec, model, site)
        endpoint = sagemaker.CfnEndpoint(
            self, "Resource", endpoint_config_name=config.attr_endpoint_config_name, endpoint_name=endpoint_name
        )
        endpoint.node.add_dependency(logs)
        if spec.scaling is not None:
            ProvisionedScaling(
                self, "Scaling", endpoint=endpoint, endpoint_name=endpoint_name, scaling=spec.scaling, variant=VARIANT
            )
        self.watch = EndpointWatch(endpoint_name=endpoint_name, fleets={VARIANT: None}, kind=spec.kind, site=site)
        EndpointAlarms(self, "Alarms", bounds=spec.alarms, watch=self.watch)

    def _config(self, spec: ServerlessEndpointSpec, model: HostedModel, site: Site) -> sagemaker.CfnEndpointConfig:
        config = sagemaker.CfnEndpointConfig
        return config(
            self,
            "Config",
            kms_key_id=site.shared.key_arn,
            production_variants=[
                config.ProductionVariantProperty(
                    initial_variant_weight=1,
                    model_name=model.model_name,
                    serverless_config=config.ServerlessConfigProperty(
                        max_concurrency=spec.max_concurrency,
                        memory_size_in_mb=spec.memory_mib,
                        provisioned_concurrency=spec.provisioned(),
                    ),
                    variant_name=VARIANT,
                )
            ],
        )
