"""Write ``slipway/catalog/processing_types.json`` from the data of botocore and moto.

``python scripts/generate_processing_types.py`` writes; ``--check`` only says whether the file is what the pinned
versions give.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import botocore.session
from generate_catalog import ec2_types
from generated import write_or_check

TAKEN = "2026-11-21"
"""When the sources were last looked at by a person; to be set by whoever runs this with newer ones."""
SOURCES = {
    "botocore": "which types CreateProcessingJob accepts: ProcessingInstanceType (Apache-2.0)",
    "moto": "whether the machine behind it has a disk of its own: DescribeInstanceTypes (Apache-2.0)",
}
TARGET = Path(__file__).parent.parent / "slipway" / "catalog" / "processing_types.json"


def catalogue() -> str:
    """The file's text, one type a line so that a diff reads well."""
    ec2, model = ec2_types(), botocore.session.get_session().get_service_model("sagemaker")
    sources = {name: {"version": version(name), "says": says} for name, says in SOURCES.items()}
    machines = {name: ec2.get(name.removeprefix("ml.")) for name in model.shape_for("ProcessingInstanceType").enum}
    rows = [
        f"    {json.dumps(name)}: {json.dumps({'nvme': None if it is None else bool(it.get('InstanceStorageInfo'))})}"
        for name, it in sorted(machines.items())
    ]
    head = f'  "taken": "{TAKEN}",\n  "sources": {json.dumps(sources)},\n'
    return f'{{\n{head}  "types": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned versions give"))
