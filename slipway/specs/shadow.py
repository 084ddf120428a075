"""A fleet that gets copies of requests and whose answers nobody sees."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from slipway.specs.base import Name, Spec
from slipway.specs.machine import HostingType
from slipway.specs.parts import Instances, TimeoutSeconds, Variant, VolumeGib
from slipway.specs.servers import OnnxRuntime, Server
from slipway.specs.variables import EnvironmentVariables


class Shadow(Spec):
    """A model on a fleet of its own beside the one variant, to be watched before it is let to answer."""

    impossible: ClassVar[dict[str, str]] = {
        "scaling": "nothing scales a shadow: choose 'instances'",
        "fallback": "a shadow is compared with the variant on one type of machine: remove the key",
        "weight": "a shadow takes copies, not traffic: choose 'percent'",
    }

    name: Name
    """Not the variant's."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64."""
    percent: Annotated[int, Field(ge=1, le=100)]
    """Share of the requests that is copied."""
    instances: Instances = 1
    """Fleet size; nothing scales it."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume. Default: SageMaker's own; refused on types with their own NVMe disk."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the container may take until /ping answers. Default: from the artifact's size, as a variant's."""
    download_timeout_seconds: TimeoutSeconds | None = None
    """How long the archive may take to arrive and unpack. Default: from the artifact's size, as a variant's."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""

    def beside(self, variant: Variant) -> Variant:
        """Return the variant that SageMaker knows this as.

        It has no percentage for a shadow: what is copied is the shadow's weight as a share of the variant's. That
        reading is a guess from the developer guide's example, which gives both the same weight.
        """
        return Variant(**self.model_dump(exclude={"percent"}), weight=variant.weight * self.percent / 100)
