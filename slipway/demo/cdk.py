"""The real CDK command line, run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from slipway.local_cloud import guardian
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TAIL = 25


class Cdk:
    """The project's pinned ``cdk``, pointed at one cloud.

    Args:
        root: The project.
        connection: Environment variables that reach the cloud.
        output: Where synth writes the cloud assembly.
        log: Where everything that cdk says is kept.
    """

    def __init__(self, root: Path, connection: Mapping[str, str], output: Path, log: Path) -> None:
        self._root, self._output, self._log = root, output, log
        # An app that is started without an activated environment takes the one that slipway itself runs in.
        self._environment = {**os.environ, **connection, "VIRTUAL_ENV": sys.prefix, "CDK_VALIDATION": "false"}
        self._program = root / "node_modules" / ".bin" / "cdk"

    def run(self, *words: str) -> None:
        """Run one cdk command to its end.

        Raises:
            HostError: If cdk is not installed or fails; with the last lines it said.
        """
        if not self._program.exists():
            raise HostError("node_modules/.bin/cdk is missing: run `make setup`")
        with self._log.open("ab") as log:
            log.write(f"\n$ cdk {' '.join(words)}\n".encode())
            log.flush()
            command = [str(self._program), *words, "--output", str(self._output)]
            code = self._run_guarded(command, log)
        if code != 0:
            last = self._log.read_text(errors="replace").splitlines()[-TAIL:]
            raise HostError("\n  ".join([f"cdk {words[0]} failed; all it said is in {self._log}, last:", *last]))

    def _run_guarded(self, command: list[str], log: IO[bytes]) -> int:
        """Run a command that ends with us, with all that it started, however we end."""
        group = guardian.start(new_group=True)
        try:
            return subprocess.call(  # noqa: S603  our own pinned program
                command,
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=group.process.pid,
            )
        finally:
            group.strike()
