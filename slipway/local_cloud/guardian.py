"""The last one out: waits for the emulator to be gone, then ends whatever is left of its process group.

Lambda workers and whatever else the emulator starts know no leash, but they share its process group; so does this
process, which keeps the group's id from being given to anyone else meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def start() -> subprocess.Popen[bytes]:
    """Start the guardian of this process group; it strikes when this process is gone."""
    read_end, _write_end = os.pipe()
    command = [sys.executable, "-m", "slipway.local_cloud.guardian", str(read_end)]
    guardian = subprocess.Popen(command, pass_fds=[read_end], stdin=subprocess.DEVNULL)  # noqa: S603  our own module
    os.close(read_end)  # the write end stays open as long as this process lives
    return guardian


def main() -> None:
    """Wait for the emulator's end, then end its group."""
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    while os.read(int(sys.argv[1]), 64):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
