from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slipway.catalog import instance_types, optimization_types

ROOT = Path(__file__).parents[2]


def test_file_is_what_the_pinned_version_gives() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_optimization_types.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_machine_hosts_and_computes_elsewhere_than_on_its_processor() -> None:
    machines = [instance_types()[name] for name in optimization_types()]
    assert len(machines) > 50
    assert [one.name for one in machines if not (one.gpus or one.neuron_cores)] == []
