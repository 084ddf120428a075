"""Our own server, as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts.base import Command

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Contents

IMAGE: Final = "slipway/onnxruntime:local"


class OnnxRuntimeHost:
    """Runs ``python -m serving``, which is all that the image does."""

    images = IMAGE
    stand_in = ""

    def serves(self, image: str) -> bool:
        """Tell whether it is the name that the local environment gives to our image."""
        return image == IMAGE

    def prepare(self) -> None:
        """Have everything already."""

    def command(self, contents: Contents, port: int) -> Command:
        """Return the server's module."""
        return Command(("serving",), contents.of_module(port))
