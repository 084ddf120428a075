from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Environment, Stack
from aws_cdk import aws_kms as kms

from sagemaker_hosting import EncryptionKey, ModelBuilds

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from slipway.specs import EnvironmentSpec
    from slipway.specs.environment import Builds


class BuildStack(Stack):
    """Where models are built in processing jobs; it rests on no other stack, since it stands before any model is built.

    Args:
        name: Of the environment.
        environment: What it says.
        builds: What it says of building.
        source_root: Folder that holds ``containers/``, ``model_build/``, ``serving/`` and ``slipway/``.
    """

    def __init__(
        self, scope: Construct, *, name: str, environment: EnvironmentSpec, builds: Builds, source_root: Path
    ) -> None:
        super().__init__(
            scope,
            f"slipway-{name}-build",
            description=f"Slipway, {name}: builds models",
            env=Environment(account=environment.account, region=environment.region),
            tags=environment.tags,
            termination_protection=environment.production,
        )
        ModelBuilds(
            self,
            "Builds",
            builds=builds,
            environment=environment,
            key=self._key(name, environment),
            name=self.stack_name,
            source_root=source_root,
        )

    def _key(self, name: str, environment: EnvironmentSpec) -> kms.IKey:
        if environment.kms_key is not None:
            return kms.Key.from_key_arn(self, "Key", environment.kms_key)
        keep_data = environment.keep_data
        description = f"Slipway, {name}: models that are built"
        return EncryptionKey(self, "Key", description=description, keep_data=keep_data, publishes=False).key
