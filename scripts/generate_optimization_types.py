"""Write ``slipway/catalog/optimization_types.json`` from the data of botocore.

``python scripts/generate_optimization_types.py`` writes; ``--check`` only says whether the file is what the pinned
version gives.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import botocore.session
from generated import write_or_check

TAKEN = "2026-11-21"
"""When the source was last looked at by a person; to be set by whoever runs this with a newer one."""
SAYS = "for which types CreateOptimizationJob makes a model: OptimizationJobDeploymentInstanceType (Apache-2.0)"
TARGET = Path(__file__).parent.parent / "slipway" / "catalog" / "optimization_types.json"


def catalogue() -> str:
    """The file's text, one type a line so that a diff reads well."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    found = sorted(model.shape_for("OptimizationJobDeploymentInstanceType").enum)
    sources = {"botocore": {"version": version("botocore"), "says": SAYS}}
    return json.dumps({"taken": TAKEN, "sources": sources, "types": found}, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned version gives"))
