"""Which process answers for an image. A server that runs here is one more file with a ``Host``, named below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts.djl.host import DeepSpeedHost, DjlHost
from slipway.local_cloud.hosts.huggingface import HuggingFaceHost
from slipway.local_cloud.hosts.onnxruntime import OnnxRuntimeHost
from slipway.local_cloud.hosts.torchserve import TorchServeHost
from slipway.local_cloud.hosts.triton import TritonHost

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Host

HOSTS: Final[tuple[Host, ...]] = (
    OnnxRuntimeHost(),
    TritonHost(),
    DjlHost(),
    DeepSpeedHost(),
    HuggingFaceHost(),
    TorchServeHost(),
)


def host_of(image: str) -> Host | None:
    """Return what runs an image's containers here; None where nothing does without Docker."""
    return next((host for host in HOSTS if host.serves(image)), None)
