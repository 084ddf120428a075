"""Write ``slipway/catalog/managed_policies.json`` from the managed policies of AWS that moto carries.

``python scripts/generate_managed_policies.py`` writes; ``--check`` only says whether the file needs it.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generated import write_or_check
from moto.iam.aws_managed_policies import aws_managed_policies_data

TAKEN = "2026-11-21"
"""When the source was last looked at by a person; to be set by whoever runs this with a newer one."""
NAMES = (
    "AWSKeyManagementServicePowerUser",
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "AdministratorAccess",
    "AmazonAPIGatewayPushToCloudWatchLogs",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2FullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSageMakerFullAccess",
    "AmazonSageMakerReadOnly",
    "AmazonVPCFullAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchFullAccess",
    "CloudWatchFullAccessV2",
    "CloudWatchLogsFullAccess",
    "IAMFullAccess",
    "PowerUserAccess",
)
"""What roles of stacks that host models are seen with; a rule takes any other policy for unknown."""
TARGET = Path(__file__).parent.parent / "slipway" / "catalog" / "managed_policies.json"


def catalogue() -> str:
    """The file's text, one policy a line so that a diff reads well."""
    held: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    source = {"moto": {"version": version("moto"), "says": "documents of AWS's managed policies (Apache-2.0)"}}
    rows = [f"    {json.dumps(name)}: {json.dumps(held[name]['Document'])}" for name in NAMES]
    head = f'  "taken": "{TAKEN}",\n  "sources": {json.dumps(source)},\n'
    return f'{{\n{head}  "policies": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned version gives"))
