from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.catalog import instance_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.server_image import ServerImage
    from slipway.catalog import InstanceType
    from slipway.specs import Artifact
    from slipway.specs.component import Component
    from slipway.specs.servers import ServerSpec


@dataclass(frozen=True)
class Served:
    """One artifact in one container.

    Args:
        artifact: The built model.
        server: What answers for it.
        image: Of the server.
        instance_type: Where it runs.
            Default: nobody chooses, which is serverless.
        component: That shares its machine with others.
            Default: it has the machine for itself.
    """

    artifact: Artifact
    server: ServerSpec
    image: ServerImage
    instance_type: str | None = None
    component: Component | None = None

    @property
    def machine(self) -> InstanceType | None:
        """Where it runs, as far as its container sees it."""
        if self.instance_type is None:
            return None
        whole = instance_types()[self.instance_type]
        return whole if self.component is None else self.component.share_of(whole)

    def variables(self, own: Mapping[str, str]) -> dict[str, str] | None:
        """Return the container's variables: the server's, and over them what the user wrote."""
        return {**self.server.variables(self.artifact, self.machine), **own} or None
