from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.model_data import model_data
from sagemaker_hosting.model_size import tell_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import IStackSynthesizer

    from sagemaker_hosting.execution_role import ExecutionRole
    from sagemaker_hosting.served import Served


class HostedModel(Construct):
    """Define a SageMaker Model: one archive, one image, one set of variables.

    It has no name of its own, because a change of any of the three replaces it.

    Args:
        served: The built model, its server and image.
        role: Reads the archive, which is granted here.
        environment: Variables of the container, over those of its server.
        uploads: Takes files up for this stack.
        network_isolation: Whether the container is cut off from every network.
            Default: it is left to SageMaker, for serverless endpoints, which refuse the choice.
        vpc_config: Where its network interfaces lie.
            Default: in SageMaker's own network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        served: Served,
        role: ExecutionRole,
        environment: Mapping[str, str],
        uploads: IStackSynthesizer,
        network_isolation: bool | None = None,
        vpc_config: sagemaker.CfnModel.VpcConfigProperty | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        data = model_data(self, "Archive", served=served, role=role, uploads=uploads)
        model = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=role.role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                environment=served.variables(environment),
                image=served.image.uri,
                mode="SingleModel",
                **data,
            ),
            enable_network_isolation=network_isolation,
            vpc_config=vpc_config,
            tags=[CfnTag(key="slipway:artifact", value=f"{served.artifact.model}/{served.artifact.locked.digest}")],
        )
        tell_facts(model, served)
        model.node.add_dependency(role.policy)
        self.model_name = model.attr_model_name
