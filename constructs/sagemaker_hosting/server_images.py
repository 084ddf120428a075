from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.served import Served
from sagemaker_hosting.server_image import ServerImage
from slipway.catalog import instance_types

if TYPE_CHECKING:
    from sagemaker_hosting.execution_role import ExecutionRole
    from sagemaker_hosting.site import Site
    from slipway.catalog import InstanceType
    from slipway.specs import Artifact
    from slipway.specs.component import Component
    from slipway.specs.servers import ServerSpec


class ServerImages(Construct):
    """Name the images of an endpoint's containers, each once, and let its role pull them.

    The environment's own image of a server is preferred to what the server names, and that to one which we build.

    Args:
        role: Of the endpoint.
        site: Where it goes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, role: ExecutionRole, site: Site) -> None:
        super().__init__(scope, construct_id)
        self._role, self._site = role, site
        self._images: dict[tuple[str, str | None, tuple[tuple[str, str], ...]], ServerImage] = {}

    def serve(
        self,
        artifact: Artifact,
        server: ServerSpec,
        instance_type: str | None = None,
        component: Component | None = None,
    ) -> Served:
        """Return an artifact in a container of a server's image.

        Args:
            artifact: The built model.
            server: What answers for it.
            instance_type: Where it runs.
                Default: nobody chooses, which is serverless.
            component: That shares its machine with others.
                Default: it has the machine for itself.
        """
        return Served(artifact, server, self.of(server, instance_type), instance_type, component)

    def of(self, server: ServerSpec, instance_type: str | None) -> ServerImage:
        """Return the image of a server on a machine."""
        machine = None if instance_type is None else instance_types()[instance_type]
        prebuilt = self._prebuilt(server, machine)
        arguments = {} if prebuilt is not None else server.build_arguments(self._site.environment.region, machine)
        key = (server.name, prebuilt, tuple(sorted(arguments.items())))
        if key not in self._images:
            self._images[key] = self._image(server.name, prebuilt, arguments)
        return self._images[key]

    def _prebuilt(self, server: ServerSpec, machine: InstanceType | None) -> str | None:
        environment = self._site.environment
        given: dict[str, str] = dict(environment.images.items())
        return given[server.name] if server.name in given else server.image(environment.region, machine)

    def _image(self, server: str, prebuilt: str | None, arguments: dict[str, str]) -> ServerImage:
        alike = sum(server == name for name, _, _ in self._images)
        construct_id = f"{server}-{alike + 1}" if alike else server
        root = self._site.source_root
        image = ServerImage(self, construct_id, arguments=arguments, prebuilt=prebuilt, server=server, source_root=root)
        image.grant_pull(self._role.role)
        return image
