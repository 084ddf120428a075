"""Which process answers for an image. A server that runs here is one more file with a ``Host``, named below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts.onnxruntime import OnnxRuntimeHost

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Host

HOSTS: Final[tuple[Host, ...]] = (OnnxRuntimeHost(),)


def host_of(image: str) -> Host | None:
    """Return what runs an image's containers here; None where nothing does without Docker."""
    return next((host for host in HOSTS if host.serves(image)), None)
