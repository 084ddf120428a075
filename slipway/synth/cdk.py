"""The project's pinned ``cdk``, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Call = Callable[[Sequence[str], Path, Mapping[str, str]], int]

TAIL = 25
WITHOUT_VALIDATOR = {"CDK_VALIDATION": "false"}
"""Without the validator that CDK brings: seconds at every synth."""


def aloud(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a command that says what it says on stderr, and return its exit code."""
    return subprocess.call(  # noqa: S603  our own pinned program
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
    )


def into(log: Path) -> Call:
    """Return how to run a command that says what it says in a file."""

    def call(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
        with log.open("ab") as file:
            return subprocess.call(  # noqa: S603  likewise
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    return call


def last_words(log: Path) -> list[str]:
    """Return the end of what was said in a file."""
    return log.read_text(errors="replace").splitlines()[-TAIL:]


class Cdk:
    """Runs cdk commands in a project.

    Args:
        root: The project.
        connection: Environment variables that it gets besides the shell's.
            Default: none, so that it reaches AWS.
        call: Runs a command line in a folder and returns its exit code.
            Default: what cdk says goes to stderr.
    """

    def __init__(self, root: Path, connection: Mapping[str, str] | None = None, call: Call = aloud) -> None:
        self._root, self._call = root, call
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
        return self._call([str(self._program), *words], self._root, self._environment) == 0

    def synth(self, environment: str, folder: Path) -> None:
        """Write an environment's cloud assembly into a folder.

        Raises:
            HostError: If synth fails; cdk has said why.
        """
        if not self.try_synth(environment, folder):
            raise HostError(f"`cdk synth -c environment={environment}` failed, as it says above")

    def try_synth(self, environment: str, folder: Path) -> bool:
        """Do the same and tell whether it succeeded; what validators refuse is written all the same."""
        return self.run(["synth", "--quiet", "--output", str(folder), "--context", f"environment={environment}"])
