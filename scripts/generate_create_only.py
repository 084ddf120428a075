"""Write ``slipway/catalog/create_only.json`` from the resource schemas that cfn-lint carries.

``python scripts/generate_create_only.py`` writes; ``--check`` only says whether the file needs it.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from generated import write_or_check

TAKEN = "2026-11-21"
"""When the source was last looked at by a person; to be set by whoever runs this with a newer one."""
SERVICES = {
    *("ApiGateway", "ApplicationAutoScaling", "CloudWatch", "Cognito", "Events", "IAM", "KMS", "Lambda", "Logs"),
    *("S3", "SNS", "SQS", "SageMaker", "StepFunctions", "WAFv2"),
}
"""Every type of these, and of EC2 the few below: what stacks that host models are made of."""
TYPES = {"AWS::EC2::SecurityGroup", "AWS::EC2::VPCEndpoint", "AWS::CertificateManager::Certificate"}
TARGET = Path(__file__).parent.parent / "slipway" / "catalog" / "create_only.json"


def create_only() -> dict[str, list[str]]:
    """By type: the properties, as paths, whose change makes CloudFormation replace the resource."""
    found = {}
    for file in (files("cfnlint") / "data/schemas/resources").iterdir():
        if not file.name.endswith(".json"):
            continue
        schema = json.loads(file.read_text(encoding="utf-8"))
        name = schema["typeName"]
        if name in TYPES or name.split("::")[1] in SERVICES:
            paths = (path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ()))
            found[name] = sorted(paths)
    return dict(sorted(found.items()))


def catalogue() -> str:
    """The file's text, one type a line so that a diff reads well."""
    source = {"cfn-lint": {"version": version("cfn-lint"), "says": "createOnlyProperties of resource schemas (MIT-0)"}}
    rows = [f"    {json.dumps(name)}: {json.dumps(paths)}" for name, paths in create_only().items()]
    head = f'  "taken": "{TAKEN}",\n  "sources": {json.dumps(source)},\n'
    return f'{{\n{head}  "types": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned version gives"))
