"""Write ``slipway/catalog/instance_types.json`` from the data of botocore, cfn-lint and moto.

``python scripts/generate_catalog.py`` writes; ``--check`` only says whether the file is what the pinned versions give.
"""

from __future__ import annotations

import gzip
import json
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session
from generated import write_or_check

TAKEN = "2026-11-20"
"""When the sources were last looked at by a person; to be set by whoever runs this with newer ones."""
SOURCES = {
    "botocore": "which types CreateEndpointConfig accepts: ProductionVariantInstanceType (Apache-2.0)",
    "cfn-lint": "where each is sold for hosting: extensions/aws_sagemaker_hosting (MIT-0)",
    "moto": "what EC2 says of the machine behind it: DescribeInstanceTypes (Apache-2.0)",
}
PAGES = {
    "compute_capability": {
        "page": "https://developer.nvidia.com/cuda-gpus",
        "read": "2026-11",
        "says": "CUDA compute capability by GPU; A10G is not listed and has the chip of A10",
    },
    "neuron_memory_mib": {
        "page": "https://awsdocs-neuron.readthedocs-hosted.com/en/latest/nki/arch/trainium2_arch.html",
        "read": "2026-11",
        "says": "a Trainium2 device has 96 GiB; moto 5.2.5 gives it 512, and so 8 TiB to trn2.48xlarge",
    },
}
"""Facts that no package carries, or carries wrongly, kept by hand."""
COMPUTE_CAPABILITY = {
    "T4": 7.5,
    "A100": 8.0,
    "A10G": 8.6,
    "L4": 8.9,
    "L40S": 8.9,
    "H100": 9.0,
    "H200": 9.0,
    "B200": 10.0,
    "B300": 10.3,
    "RTX PRO 4500": 12.0,
    "RTX PRO Server 6000": 12.0,
}
TRAINIUM2_MIB = {"wrong": 512 << 10, "right": 96 << 10}
TARGET = Path(__file__).parent.parent / "slipway" / "catalog" / "instance_types.json"


def hosting_types() -> list[str]:
    """Every type that CreateEndpointConfig accepts, by botocore."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return sorted(model.shape_for("ProductionVariantInstanceType").enum)


def regions_by_type() -> dict[str, list[str]]:
    """Where each type is sold for hosting, by cfn-lint."""
    path = files("cfnlint") / "data/schemas/extensions/aws_sagemaker_hosting/instancetype_enum.json"
    sold: dict[str, list[str]] = {}
    for region, entry in sorted(json.loads(path.read_text(encoding="utf-8")).items()):
        for instance_type in entry["enum"] if isinstance(entry, dict) else ():
            sold.setdefault(instance_type, []).append(region)
    return sold


def ec2_types() -> dict[str, Any]:
    """What EC2 says of the machine behind a type, by moto."""
    packed = (files("moto") / "ec2/resources/instance_types.json.gz").read_bytes()
    return dict(json.loads(gzip.decompress(packed)))


def row(ec2: dict[str, Any] | None, regions: list[str]) -> dict[str, Any]:
    """One catalogue row; machine facts are null where moto does not know the type."""
    if ec2 is None:
        return {"regions": regions}
    return {
        "vcpus": ec2["VCpuInfo"]["DefaultVCpus"],
        "memory_mib": ec2["MemoryInfo"]["SizeInMiB"],
        **gpu_facts(ec2),
        **neuron_facts(ec2),
        "nvme": bool(ec2.get("InstanceStorageInfo")),
        "arm64": "arm64" in ec2["ProcessorInfo"]["SupportedArchitectures"],
        "burstable": bool(ec2.get("BurstablePerformanceSupported")),
        "regions": regions,
    }


def gpu_facts(ec2: dict[str, Any]) -> dict[str, Any]:
    """The GPUs of a machine; all of its GPUs are alike."""
    gpus = (ec2.get("GpuInfo") or {"Gpus": []})["Gpus"]
    if not gpus:
        return {"gpus": 0}
    [gpu] = gpus
    return {
        "gpus": gpu["Count"],
        "gpu_name": gpu["Name"],
        "gpu_memory_mib": gpu["MemoryInfo"]["SizeInMiB"],
        "compute_capability": COMPUTE_CAPABILITY[gpu["Name"]],
    }


def neuron_facts(ec2: dict[str, Any]) -> dict[str, Any]:
    """The Inferentia or Trainium devices of a machine; nothing where it has none."""
    devices = (ec2.get("NeuronInfo") or {"NeuronDevices": []})["NeuronDevices"]
    if not devices:
        return {}
    [device] = devices
    memory_mib = device["MemoryInfo"]["SizeInMiB"]
    if device["Name"] == "Trainium2":
        if memory_mib != TRAINIUM2_MIB["wrong"]:
            raise SystemExit("moto no longer gives Trainium2 512 GiB: remove the correction")
        memory_mib = TRAINIUM2_MIB["right"]
    return {
        "neuron_devices": device["Count"],
        "neuron_name": device["Name"],
        "neuron_memory_mib": memory_mib,
        "neuron_cores": device["Count"] * device["CoreInfo"]["Count"],
    }


def catalogue() -> str:
    """The file's text, one type a line so that a diff reads well."""
    ec2, sold = ec2_types(), regions_by_type()
    sources = {name: {"version": version(name), "says": says} for name, says in SOURCES.items()}
    head = f'  "taken": "{TAKEN}",\n  "sources": {json.dumps(sources)},\n  "pages": {json.dumps(PAGES)},\n'
    rows = [
        f"    {json.dumps(name)}: {json.dumps(row(ec2.get(name.removeprefix('ml.')), sold.get(name, [])))}"
        for name in hosting_types()
    ]
    return f'{{\n{head}  "types": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned versions give"))
