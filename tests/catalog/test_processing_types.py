from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slipway.catalog import instance_types, processing_types

ROOT = Path(__file__).parents[2]


def test_file_is_what_the_pinned_versions_give() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_processing_types.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_machines_that_host_too_have_the_same_disk() -> None:
    known = instance_types()
    both = [machine for name, machine in processing_types().items() if name in known]
    assert len(both) > 100
    assert [one.name for one in both if known[one.name].nvme not in (one.nvme, None)] == []


def test_job_runs_on_machines_that_host_nothing() -> None:
    assert "ml.t3.medium" in processing_types()
    assert "ml.t3.medium" not in instance_types()
