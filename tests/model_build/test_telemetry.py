"""Nothing that builds talks to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

THREADS = "import os, model_build, onnxruntime; print(len(list(os.scandir('/proc/self/task'))))"


def test_runtime_starts_no_thread_of_its_own_when_it_is_imported() -> None:
    plain = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", THREADS], env=plain, capture_output=True, text=True, check=True)
    assert int(done.stdout) == _threads_of(plain, "import numpy")


def _threads_of(environment: dict[str, str], first: str) -> int:
    count = f"{first}; import os; print(len(list(os.scandir('/proc/self/task'))))"
    done = subprocess.run(
        [sys.executable, "-c", count], cwd=Path.cwd(), env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)
