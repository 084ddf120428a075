"""Large Model Inference: what DJL Serving hands to its handler, and transformers on the CPU in vLLM's place."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from slipway.local_cloud.child import python_path
from slipway.local_cloud.hosts.base import Command, NoHostError

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Contents

IMAGE: Final = re.compile(r"/djl-inference:[\w.]+-lmi[\w.-]*$")
MODULE: Final = "slipway.local_cloud.hosts.djl"
NEEDS: Final = ("torch", "transformers")


class LmiHost:
    """Runs the clean-room host of the handler protocol."""

    images = "djl-inference:<version>-lmi…"
    stand_in = "a clean-room host of DJL's handler protocol, with transformers on the CPU; not DJL Serving, not vLLM"

    def serves(self, image: str) -> bool:
        """Tell whether it is AWS's image of LMI."""
        return IMAGE.search(image) is not None

    def prepare(self) -> None:
        """Refuse where what answers is not installed.

        Raises:
            NoHostError: With what is missing.
        """
        missing = [name for name in (MODULE, *NEEDS) if find_spec(name) is None]
        if missing:
            raise NoHostError(f"LMI runs here with {', '.join(missing)}, which is missing: install the 'build' extra")

    def command(self, contents: Contents, port: int) -> Command:
        """Return the host's module."""
        ours = {
            "PYTHONPATH": python_path(),
            "SLIPWAY_BIND_HOST": "127.0.0.1",
            "SLIPWAY_MODEL_DIR": str(contents.models),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        }
        return Command((MODULE,), {**contents.environment(), **ours})
