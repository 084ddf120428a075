from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from aws_cdk import CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.model_data import model_data
from sagemaker_hosting.model_size import tell_size
from sagemaker_hosting.served import Served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import IStackSynthesizer

    from sagemaker_hosting.execution_role import ExecutionRole
    from sagemaker_hosting.served import Served
    from slipway.specs import Artifact
    from slipway.specs.containers import Container, ContainersSpec

# Fifteen of them fit into a tag.
DIGEST_LETTERS: Final = 12


class HostedContainers(Construct):
    """Define a SageMaker Model of several containers, each with an archive, an image and variables of its own.

    It has no name of its own, because a change of any of them replaces it.

    Args:
        spec: Names the containers, in their order, and says whether they are cut off from every network.
        served: What each container serves, by its name.
        mode: Whether a request passes all containers in their order, or the caller names one.
        role: Reads the archives; granted here.
        uploads: Takes files up for this stack.
        vpc_config: Where their network interfaces lie.
            Default: in SageMaker's own network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: ContainersSpec,
        served: Mapping[str, Served],
        mode: Literal["Direct", "Serial"],
        role: ExecutionRole,
        uploads: IStackSynthesizer,
        vpc_config: sagemaker.CfnModel.VpcConfigProperty | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._served, self._role, self._uploads = served, role, uploads
        archives = Construct(self, "Archives")
        artifacts = [served[container.name].artifact for container in spec.containers]
        model = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=role.role.role_arn,
            containers=[self._definition(archives, container) for container in spec.containers],
            inference_execution_config=sagemaker.CfnModel.InferenceExecutionConfigProperty(mode=mode),
            enable_network_isolation=spec.network_isolation,
            vpc_config=vpc_config,
            tags=[_digests(artifacts)],
        )
        tell_size(model, artifacts)
        model.node.add_dependency(role.policy)
        self.model_name = model.attr_model_name

    def _definition(self, scope: Construct, container: Container) -> sagemaker.CfnModel.ContainerDefinitionProperty:
        served = self._served[container.name]
        data = model_data(scope, container.name, served=served, role=self._role, uploads=self._uploads)
        return sagemaker.CfnModel.ContainerDefinitionProperty(
            container_hostname=container.name,
            environment=served.variables(container.environment),
            image=served.image.uri,
            mode="SingleModel",
            **data,
        )


def _digests(artifacts: Sequence[Artifact]) -> CfnTag:
    short = (artifact.locked.digest[:DIGEST_LETTERS] for artifact in artifacts)
    return CfnTag(key="slipway:artifacts", value=" ".join(short))
