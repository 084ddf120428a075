from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aws_cdk import IgnoreMode, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PRIVATE_REGISTRY: Final = re.compile(
    r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>[^:@]+)"
)


class Image(Construct):
    """Name the image of a container: ours, built from its Dockerfile by ``cdk deploy``, or one that is there already.

    Args:
        container: Folder below ``containers/``.
        content: Folders that go into it, and nothing else.
        kind: What it is, in a word.
        prebuilt: Image to use as it is.
            Default: ours, which needs Docker.
        source_root: Folder that holds ``containers/`` and the content.
        arguments: Of its Dockerfile.
            Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        container: str,
        content: Sequence[str],
        kind: str,
        prebuilt: str | None,
        source_root: Path,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._prebuilt, self._arguments = prebuilt, arguments or {}
        self._asset = None if prebuilt is not None else self._build(container, content, kind, source_root)
        self.uri: str = self._asset.image_uri if self._asset is not None else str(prebuilt)

    def _build(
        self, container: str, content: Sequence[str], kind: str, source_root: Path
    ) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self,
            "Resource",
            build_args=dict(self._arguments) or None,
            directory=str(source_root),
            file=f"containers/{container}/Dockerfile",
            # .dockerignore syntax, where a later line wins: the code and its Dockerfile, nothing else.
            exclude=[
                "**",
                *(f"!{folder}/**" for folder in content),
                f"!containers/{container}/**",
                "**/__pycache__",
                "**/*.pyc",
            ],
            ignore_mode=IgnoreMode.DOCKER,
            platform=ecr_assets.Platform.LINUX_AMD64,
            display_name=f"{kind} {container}",
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


class ServerImage(Image):
    """Name the image that answers inside a container.

    Args:
        server: Of the variant, such as ``onnxruntime``.
        prebuilt: Image to use as it is.
            Default: ours is built from its Dockerfile and uploaded by ``cdk deploy``, which needs Docker.
        source_root: Folder that holds ``containers/`` and ``serving/``.
        arguments: Of its Dockerfile.
            Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        server: str,
        prebuilt: str | None,
        source_root: Path,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            container=server,
            content=["serving"],
            kind="server",
            prebuilt=prebuilt,
            source_root=source_root,
            arguments=arguments,
        )


class BuildImage(Image):
    """Name the image that builds models.

    Args:
        prebuilt: Image to use as it is.
            Default: ours is built from its Dockerfile and uploaded by ``cdk deploy``, which needs Docker.
        source_root: Folder that holds ``containers/``, ``model_build/``, ``serving/`` and ``slipway/``.
    """

    def __init__(self, scope: Construct, construct_id: str, *, prebuilt: str | None, source_root: Path) -> None:
        super().__init__(
            scope,
            construct_id,
            container="model-build",
            content=["model_build", "serving", "slipway"],
            kind="build",
            prebuilt=prebuilt,
            source_root=source_root,
        )
