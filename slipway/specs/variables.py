"""Environment variables that a user gives to a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from slipway.specs.secrets import secret_in
from slipway.specs.text import Bytes, Shape

if TYPE_CHECKING:
    from slipway.specs.base import Findings, Keys

EnvironmentVariables = dict[
    Annotated[str, Shape(r"^[a-zA-Z_][a-zA-Z0-9_]*$", "a variable's name: letters, digits and underscores")],
    Annotated[str, Bytes(1024)],
]

MAX_BYTES = 32 * 1024
MAX_COUNT = 100
"""Source: botocore 1.43.106, sagemaker EnvironmentMap."""

RESERVED = {
    "SAGEMAKER_": "is reserved: SageMaker sets the variables that begin with SAGEMAKER_",
    "AWS_": "is reserved: the execution role gives the container its region and rights",
    "SLIPWAY_MODEL_DIR": "is reserved: SageMaker decides where the model lies",
    "SLIPWAY_BIND_HOST": "is reserved: SageMaker decides where the server listens",
}


def check_variables(findings: Findings, path: Keys, variables: EnvironmentVariables) -> None:
    """Find what SageMaker refuses of the variables as a whole, and names that are not the user's to set."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > MAX_BYTES:
        findings.add(path, f"is {size:,} bytes together, at most {MAX_BYTES:,} are accepted")
    if len(variables) > MAX_COUNT:
        findings.add(path, f"holds {len(variables)} variables, at most {MAX_COUNT} are accepted")
    for name, value in variables.items():
        if (secret := secret_in(value)) is not None:
            message = f"'{name}' holds {secret}, and specs and templates are read by many: keep it in Secrets Manager"
            findings.add((*path, name), f"{message} and write '{{{{resolve:secretsmanager:...}}}}'")
        why = next((words for prefix, words in RESERVED.items() if name.startswith(prefix)), None)
        if why is not None:
            findings.add((*path, name), f"'{name}' {why}")
