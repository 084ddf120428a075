"""The last one out: waits for the emulator to be gone, then ends whatever is left of its process group.

Lambda workers and whatever else the emulator starts know no leash, but they share its process group; so does this
process, which keeps the group's id from being given to anyone else meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Guardian:
    """A running guardian; its group ends when the write end is closed, at the latest with the process that holds it."""

    process: subprocess.Popen[bytes]
    write_end: int

    def strike(self) -> None:
        """End the group now."""
        os.close(self.write_end)
        self.process.wait()


def start(*, new_group: bool = False) -> Guardian:
    """Start the guardian of this process group, or of a new one that others can then be started in."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "slipway.local_cloud.guardian", str(read_end)]
    group = 0 if new_group else None
    process = subprocess.Popen(  # noqa: S603  our own module
        command, pass_fds=[read_end], stdin=subprocess.DEVNULL, process_group=group
    )
    os.close(read_end)
    return Guardian(process, write_end)


def main() -> None:
    """Wait for the emulator's end, then end its group."""
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    while os.read(int(sys.argv[1]), 64):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
