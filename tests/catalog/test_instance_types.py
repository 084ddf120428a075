from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from slipway.catalog import InstanceType, instance_types, regions

ROOT = Path(__file__).parents[2]
FILE = ROOT / "slipway" / "catalog" / "instance_types.json"


def test_file_names_its_sources_and_their_date() -> None:
    content = json.loads(FILE.read_text())
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    for name, source in content["sources"].items():
        assert source["says"]
        assert source["version"] == version(name)
    for page in content["pages"].values():
        assert page["page"].startswith("https://")
        assert page["read"] >= "2026-11"


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


# Source: FACTS of this project, section 6, verified against the instance pages of Amazon EC2 in November 2026.
@pytest.mark.parametrize(
    ("family", "counts", "name", "memory_mib", "capability"),
    [
        ("g4dn", {"12xlarge": 4, "": 1}, "T4", 16_384, 7.5),
        ("g5", {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8, "": 1}, "A10G", 22_888, 8.6),
        ("g6", {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8, "": 1}, "L4", 22_888, 8.9),
        ("g6e", {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8, "": 1}, "L40S", 45_776, 8.9),
        ("g7e", {"12xlarge": 2, "24xlarge": 4, "48xlarge": 8, "": 1}, "RTX PRO Server 6000", 98_304, 12.0),
        ("p4d", {"": 8}, "A100", 40_960, 8.0),
        ("p4de", {"": 8}, "A100", 81_920, 8.0),
        ("p5", {"4xlarge": 1, "48xlarge": 8}, "H100", 81_920, 9.0),
        ("p5e", {"": 8}, "H200", 144_384, 9.0),
        ("p5en", {"": 8}, "H200", 144_384, 9.0),
        ("p6-b200", {"": 8}, "B200", 183_359, 10.0),
    ],
)
def test_gpus_are_those_that_were_verified(
    family: str, counts: dict[str, int], name: str, memory_mib: int, capability: float
) -> None:
    sizes = _sizes(family)
    assert sizes
    for size, machine in sizes.items():
        expected = (counts.get(size, counts.get("")), name, memory_mib, capability)
        assert (machine.gpus, machine.gpu_name, machine.gpu_memory_mib, machine.compute_capability) == expected, size


def test_neuron_devices_are_those_that_were_verified() -> None:
    assert {size: machine.neuron_devices for size, machine in _sizes("inf2").items()} == {
        "xlarge": 1,
        "8xlarge": 1,
        "24xlarge": 6,
        "48xlarge": 12,
    }
    assert {(each.neuron_name, each.neuron_memory_mib) for each in _sizes("inf2").values()} == {("Inferentia2", 32_768)}
    trn2 = instance_types()["ml.trn2.48xlarge"]
    # Source: Neuron documentation, Trainium2 architecture; all devices together have 1.5 TiB.
    assert (trn2.neuron_devices, trn2.neuron_memory_mib, trn2.neuron_cores) == (16, 98_304, 128)


def test_machine_has_gpus_or_neuron_devices_with_memory_or_neither() -> None:
    for machine in instance_types().values():
        assert bool(machine.gpus) == (machine.gpu_memory_mib is not None) == (machine.compute_capability is not None)
        assert bool(machine.neuron_devices) == (machine.neuron_memory_mib is not None) == (machine.neuron_cores > 0)
        assert not (machine.gpus and machine.neuron_devices)


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


def _sizes(family: str) -> dict[str, InstanceType]:
    named = {tuple(name.split(".")[1:]): machine for name, machine in instance_types().items()}
    return {size: machine for (kind, size), machine in named.items() if kind == family}


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/generate_catalog.py", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
