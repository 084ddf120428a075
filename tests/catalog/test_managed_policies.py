from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from slipway.catalog import managed_policy

ROOT = Path(__file__).parents[2]
FILE = ROOT / "slipway" / "catalog" / "managed_policies.json"


def test_file_names_its_source_and_date() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    assert content["sources"]["moto"]["version"] == version("moto")


def test_file_is_what_the_pinned_version_gives() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_managed_policies.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_administrator_may_everything() -> None:
    document = managed_policy("AdministratorAccess")
    assert document is not None
    assert document["Statement"] == [{"Action": "*", "Effect": "Allow", "Resource": "*"}]
    assert managed_policy("NoSuchAccess") is None
