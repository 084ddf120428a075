"""The real CDK command line, run as a user would."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from slipway.local_cloud import guardian
from slipway.specs import HostError
from slipway.synth.cdk import WITHOUT_VALIDATOR, Cdk, last_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class LoggedCdk:
    """The project's pinned ``cdk``, pointed at one cloud.

    Args:
        root: The project.
        connection: Environment variables that reach the cloud.
        log: Where everything that cdk says is kept.
    """

    def __init__(self, root: Path, connection: Mapping[str, str], log: Path) -> None:
        self._cdk = Cdk(root, {**connection, **WITHOUT_VALIDATOR}, self._guarded)
        self._log = log

    def run(self, *words: str) -> None:
        """Run one cdk command to its end.

        Raises:
            HostError: If cdk is not installed or fails; with the last lines it said.
        """
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ cdk {' '.join(words)}\n")
        if not self._cdk.run(words):
            said = [f"cdk {words[0]} failed; all it said is in {self._log}, last:", *last_words(self._log)]
            raise HostError("\n  ".join(said))

    def _guarded(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
        """Run a command that ends with us, with all that it started, however we end."""
        group = guardian.start(new_group=True)
        try:
            with self._log.open("ab") as log:
                return subprocess.call(  # noqa: S603  our own pinned program
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    process_group=group.process.pid,
                )
        finally:
            group.strike()
