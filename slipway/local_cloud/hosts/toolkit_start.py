"""Starts a server by its toolkit, as ``serve`` does in the image; in the server's environment, without our modules."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

CONFIG = str(Path("config.properties").absolute())
"""The toolkits would write theirs to /etc."""


def main() -> None:
    """Serve until a signal ends it."""
    _see_own_processes()
    {"torchserve": _torchserve, "huggingface": _huggingface}[sys.argv[1]]()


def _see_own_processes() -> None:
    """Show the toolkit no other containers' servers: it looks for its own among all processes, and wants one."""
    psutil: Any = importlib.import_module("psutil")
    every = psutil.process_iter
    psutil.process_iter = lambda: (process for process in every() if _is_ours(process.pid))


def _is_ours(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except ProcessLookupError:
        return False


def _torchserve() -> None:
    server: Any = importlib.import_module("sagemaker_pytorch_serving_container.torchserve")
    server.TS_CONFIG_FILE = CONFIG
    importlib.import_module("sagemaker_pytorch_serving_container.serving").main()


def _huggingface() -> None:
    server: Any = importlib.import_module("sagemaker_inference.model_server")
    server.MMS_CONFIG_FILE = CONFIG  # before the next one, which takes it from there
    handler = importlib.import_module("huggingface_handler")
    toolkit: Any = importlib.import_module("sagemaker_huggingface_inference_toolkit.serving")
    toolkit.HANDLER_SERVICE = handler.__name__
    toolkit.main()


if __name__ == "__main__":
    main()
