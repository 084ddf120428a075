"""The project's pinned ``cdk``, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Cdk:
    """Runs cdk commands in a project; what they say goes to stderr.

    Args:
        root: The project.
        connection: Environment variables that reach the local cloud.
            Default: AWS, as the shell has it.
    """

    def __init__(self, root: Path, connection: Mapping[str, str] | None) -> None:
        self._root = root
        self._program = root / "node_modules" / ".bin" / "cdk"
        # An app that is started without an activated environment takes the one that slipway itself runs in.
        self._environment = {**os.environ, **(connection or {}), "VIRTUAL_ENV": sys.prefix}

    def run(self, words: Sequence[str]) -> bool:
        """Run one command to its end and tell whether it succeeded.

        Raises:
            HostError: If cdk is not installed.
        """
        if not self._program.exists():
            raise HostError("node_modules/.bin/cdk is missing: run `make setup`")
        command = [str(self._program), *words]
        code = subprocess.call(  # noqa: S603  our own pinned program
            command, cwd=self._root, env=self._environment, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
        )
        return code == 0

    def synth(self, environment: str, folder: Path) -> None:
        """Write an environment's cloud assembly into a folder.

        Raises:
            HostError: If synth fails; cdk has said why.
        """
        if not self.run(["synth", "--quiet", "--output", str(folder), "--context", f"environment={environment}"]):
            raise HostError(f"`cdk synth -c environment={environment}` failed, as it says above")
