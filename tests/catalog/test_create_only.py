from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from slipway.catalog import create_only

ROOT = Path(__file__).parents[2]
FILE = ROOT / "slipway" / "catalog" / "create_only.json"


def test_file_names_its_source_and_date() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    assert content["sources"]["cfn-lint"]["version"] == version("cfn-lint")


def test_file_is_what_the_pinned_version_gives() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_create_only.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_sagemaker_sets_once() -> None:
    assert create_only("AWS::SageMaker::Endpoint") == ("EndpointName",)
    assert {"ProductionVariants", "KmsKeyId"} <= set(create_only("AWS::SageMaker::EndpointConfig") or ())
    assert create_only("AWS::No::Such") is None
