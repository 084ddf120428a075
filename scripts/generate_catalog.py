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

TAKEN = "2026-11-20"
"""When the sources were last looked at by a person; to be set by whoever runs this with newer ones."""
SOURCES = {
    "botocore": "which types CreateEndpointConfig accepts: ProductionVariantInstanceType (Apache-2.0)",
    "cfn-lint": "where each is sold for hosting: extensions/aws_sagemaker_hosting (MIT-0)",
    "moto": "what EC2 says of the machine behind it: DescribeInstanceTypes (Apache-2.0)",
}
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
        "gpus": sum(gpu["Count"] for gpu in (ec2.get("GpuInfo") or {"Gpus": []})["Gpus"]),
        "nvme": bool(ec2.get("InstanceStorageInfo")),
        "arm64": "arm64" in ec2["ProcessorInfo"]["SupportedArchitectures"],
        "burstable": bool(ec2.get("BurstablePerformanceSupported")),
        "regions": regions,
    }


def catalogue() -> str:
    """The file's text, one type a line so that a diff reads well."""
    ec2, sold = ec2_types(), regions_by_type()
    sources = {name: {"version": version(name), "says": says} for name, says in SOURCES.items()}
    head = f'  "taken": "{TAKEN}",\n  "sources": {json.dumps(sources)},\n'
    rows = [
        f"    {json.dumps(name)}: {json.dumps(row(ec2.get(name.removeprefix('ml.')), sold.get(name, [])))}"
        for name in hosting_types()
    ]
    return f'{{\n{head}  "types": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


def main() -> int:
    """Write or check."""
    if "--check" not in sys.argv:
        TARGET.write_text(catalogue(), encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == catalogue():
        return 0
    print(f"{TARGET.name} is not what the pinned versions give: run python {sys.argv[0]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
