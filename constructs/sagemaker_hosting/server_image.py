from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aws_cdk import IgnoreMode, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_REGISTRY: Final = re.compile(
    r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>[^:@]+)"
)


class ServerImage(Construct):
    """Name the image that answers inside a container.

    Args:
        server: Of the variant, such as ``onnxruntime``.
        prebuilt: Image to use as it is.
            Default: ours is built from its Dockerfile and uploaded by ``cdk deploy``, which needs Docker.
        source_root: Folder that holds ``containers/`` and ``serving/``.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, server: str, prebuilt: str | None, source_root: Path
    ) -> None:
        super().__init__(scope, construct_id)
        self._prebuilt = prebuilt
        self._asset = None if prebuilt is not None else self._build(server, source_root)
        self.uri = prebuilt if self._asset is None else self._asset.image_uri

    def _build(self, server: str, source_root: Path) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self,
            "Resource",
            directory=str(source_root),
            file=f"containers/{server}/Dockerfile",
            # .dockerignore syntax, where a later line wins: the server and its Dockerfile, nothing else.
            exclude=["**", "!serving/**", f"!containers/{server}/**", "**/__pycache__", "**/*.pyc"],
            ignore_mode=IgnoreMode.DOCKER,
            platform=ecr_assets.Platform.LINUX_AMD64,
            display_name=f"server {server}",
        )

    def grant_pull(self, grantee: iam.IGrantable) -> None:
        """Let a role pull this image, where it lies in a private registry."""
        if self._asset is not None:
            self._asset.repository.grant_pull(grantee)
            return
        private = PRIVATE_REGISTRY.match(self._prebuilt or "")
        if private is not None:
            self._grant_pull_from(grantee, private)

    def _grant_pull_from(self, grantee: iam.IGrantable, private: re.Match[str]) -> None:
        repository = Stack.of(self).format_arn(
            service="ecr",
            resource="repository",
            resource_name=private["name"],
            account=private["account"],
            region=private["region"],
        )
        policy = grantee.grant_principal
        policy.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
                resources=[repository],
            )
        )
        # A token belongs to the registry: this action knows no resource.
        policy.add_to_principal_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
