"""AWS's image of Large Model Inference, which has vLLM, transformers and MPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import cuda_of, find_image, image_uri
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.drivers import ami_for

if TYPE_CHECKING:
    from slipway.catalog import InstanceType

SERVER: Final = "djl-lmi"


class LmiImage(ServerSpec):
    """What the servers in it have in common."""

    if TYPE_CHECKING:
        version: str  # each has its own

    def image(self, region: str, machine: InstanceType | None) -> str:  # noqa: ARG002  one for all GPUs
        """Return AWS's image of the version.

        Raises:
            NoImageError: If the region has none.
        """
        return image_uri(SERVER, self.version, region)

    def ami(self, region: str, machine: InstanceType | None) -> str | None:  # noqa: ARG002  the same everywhere
        """Return a system image whose driver is as new as the container's CUDA; None where any will do."""
        image = find_image(SERVER, self.version)
        cuda = cuda_of(image.repository, image.tag)
        return None if cuda is None else ami_for(cuda)
