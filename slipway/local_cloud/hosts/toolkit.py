"""What the servers with SageMaker's inference toolkits have in common: Java, a folder in /opt/ml's stead, loopback."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from slipway.local_cloud.child import python_path
from slipway.local_cloud.hosts import java
from slipway.local_cloud.hosts.base import Command, NoHostError
from slipway.local_cloud.hosts.environments import EnvironmentFailureError, environment

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Contents


class ToolkitHost:
    """Runs a server that a toolkit starts.

    Args:
        name: Of its environment, and of what starts it.
        image: Matches the images that it stands in for.
        images: Names them.
        stand_in: What differs from them.
    """

    def __init__(self, name: str, image: str, images: str, stand_in: str) -> None:
        self._name = name
        self._image = re.compile(image)
        self.images = images
        self.stand_in = stand_in

    def serves(self, image: str) -> bool:
        """Tell whether it is one of AWS's images for it, in whatever registry."""
        return self._image.search(image) is not None

    def prepare(self) -> None:
        """Make the server's environment, once a machine.

        Raises:
            NoHostError: If that or its Java cannot be had.
        """
        try:
            made = environment(self._name, over_project=True)
        except EnvironmentFailureError as error:
            raise NoHostError(f"no {self._name} can be had on this machine: {error}") from error
        java.check(made)

    def command(self, contents: Contents, port: int) -> Command:
        """Return the process that becomes the toolkit's."""
        words = (sys.executable, "-m", "slipway.local_cloud.hosts.toolkit_process", self._name, str(port))
        return Command(("--", *words), {**contents.environment(), "PYTHONPATH": python_path()})
