"""Where tritonserver is on this machine."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.local_cloud.hosts.environments import EnvironmentFailureError, environment

_STUB: Final = "triton_python_backend_stub"
_PYTHON: Final = "{}.{}".format(*sys.version_info)


@dataclass(frozen=True)
class Program:
    """A tritonserver and what goes with it.

    Args:
        environment: Whose Python its models run in.
        server: The program.
        backends: The folder of its backends.
    """

    environment: Path
    server: Path
    backends: Path


def program() -> Program:
    """Return the tritonserver, which is installed when it is first asked for.

    Raises:
        EnvironmentFailureError: If it cannot be had, with what is missing.
    """
    library = f"libpython{_PYTHON}.so.1.0"
    try:
        ctypes.CDLL(library)
    except OSError as error:
        message = f"triton: its python backend needs {library}: install it, on Debian as libpython{_PYTHON}"
        raise EnvironmentFailureError(message) from error
    made = environment("triton")
    root = made / "lib" / f"python{_PYTHON}" / "site-packages" / "pytriton" / "tritonserver"
    backends = root / "backends"
    _copy(root / "python_backend_stubs" / _PYTHON / _STUB, backends / "python" / _STUB)
    _copy(Path(__file__).with_name("onnxruntime_backend.py"), backends / "onnxruntime" / "model.py")
    return Program(made, root / "bin" / "tritonserver", backends)


def _copy(source: Path, target: Path) -> None:
    """Put a file where it is not yet; Triton takes no link out of a backend's folder."""
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy2(source, part)
    part.rename(target)
