from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from slipway.catalog import instance_types, regions

ROOT = Path(__file__).parents[2]
FILE = ROOT / "slipway" / "catalog" / "instance_types.json"


def test_file_names_its_sources_and_their_date() -> None:
    content = json.loads(FILE.read_text())
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    for name, source in content["sources"].items():
        assert source["says"]
        assert source["version"] == version(name)


def test_file_is_what_the_pinned_versions_give() -> None:
    done = _check(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_sees_a_changed_fact(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "slipway" / "catalog").mkdir(parents=True)
    (tmp_path / "slipway" / "catalog" / FILE.name).write_text(FILE.read_text().replace('"vcpus": 8', '"vcpus": 9', 1))
    done = _check(tmp_path)
    assert done.returncode == 1
    assert "instance_types.json is not what the pinned versions give" in done.stderr


@pytest.mark.parametrize(
    ("name", "vcpus", "gpus", "traits"),
    [
        # Source: the instance pages of Amazon EC2.
        ("ml.c7i.xlarge", 4, 0, ""),
        ("ml.m5d.4xlarge", 16, 0, "nvme"),
        ("ml.t2.medium", 2, 0, "burstable"),
        ("ml.c7g.xlarge", 4, 0, "arm64"),
        ("ml.g5.12xlarge", 48, 4, "nvme"),
        ("ml.g6.xlarge", 4, 1, "nvme"),
        ("ml.p4d.24xlarge", 96, 8, "nvme"),
        ("ml.p5.48xlarge", 192, 8, "nvme"),
        ("ml.trn1.32xlarge", 128, 0, "nvme"),
    ],
)
def test_machine_is_what_amazon_says(name: str, vcpus: int, gpus: int, traits: str) -> None:
    machine = instance_types()[name]
    assert (machine.vcpus, machine.gpus) == (vcpus, gpus)
    assert [trait for trait in ("nvme", "arm64", "burstable") if getattr(machine, trait)] == traits.split()


def test_every_type_that_is_sold_is_known_as_a_machine() -> None:
    unknown = [machine.name for machine in instance_types().values() if machine.regions and machine.vcpus is None]
    assert unknown == []


def test_types_with_their_own_disk_are_those_that_hosting_refuses_volumes_on() -> None:
    # Source: "Host instance storage volumes" in SageMaker's guide names g5, g6, p5, trn1 and families with a "d".
    for machine in instance_types().values():
        family = machine.name.split(".")[1]
        if family in {"g5", "g6", "p5", "trn1"} or family.rstrip("n").endswith("d"):
            assert machine.nvme, machine.name


def test_regions_are_those_of_the_examples_and_more() -> None:
    assert {"us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1"} <= regions()
    assert all(machine.regions <= regions() for machine in instance_types().values())


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/generate_catalog.py", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
