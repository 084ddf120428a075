"""DJL's images here: the clean-room host in their stead."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from slipway.local_cloud.hosts.base import Command, NoHostError
from slipway.local_cloud.hosts.djl import LABEL
from slipway.local_cloud.hosts.environments import EnvironmentFailureError, environment

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Contents

NEEDED: Final = ("torch", "transformers", "accelerate")
"""Of the ranks; found, and never imported here."""


class DjlHost:
    """Runs LMI and djl-mpi on the project's own torch.

    Args:
        kind: What the tag of an image holds after DJL's version, such as ``lmi``.
    """

    stand_in = LABEL

    def __init__(self, kind: str = "lmi") -> None:
        self._image = re.compile(rf"(?:.*/)?djl-inference:\d+\.\d+\.\d+-{kind}\S*$")
        self.images = f"djl-inference:…-{kind}…"

    def serves(self, image: str) -> bool:
        """Tell whether it is one of DJL's images, in whatever registry."""
        return self._image.match(image) is not None

    def prepare(self) -> None:
        """See that the ranks find what they import.

        Raises:
            NoHostError: If they would not.
        """
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise NoHostError(f"{LABEL}: it needs {', '.join(missing)}: pip install 'slipway[build]'")

    def command(self, contents: Contents, port: int) -> Command:
        """Return the host's module."""
        return Command((__package__,), {**contents.of_module(port), **self._variables()})

    def _variables(self) -> dict[str, str]:
        return {}


class DeepSpeedHost(DjlHost):
    """Runs djl-deepspeed with a DeepSpeed for CPUs, in an environment of its own."""

    def __init__(self) -> None:
        super().__init__("deepspeed")

    def prepare(self) -> None:
        """Make the environment, if it is not there.

        Raises:
            NoHostError: If that cannot be done.
        """
        super().prepare()
        self._python()

    def _python(self) -> str:
        try:
            return str(environment("djl-deepspeed", over_project=True) / "bin" / "python")
        except EnvironmentFailureError as error:
            raise NoHostError(str(error)) from error

    def _variables(self) -> dict[str, str]:
        return {"SLIPWAY_DJL_PYTHON": self._python()}
