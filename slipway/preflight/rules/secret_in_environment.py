from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMES: Final = re.compile(
    r"(.*_)?(PASSWORD|PASSWD|SECRET|SECRET_KEY|SECRET_ACCESS_KEY|API_?KEY|PRIVATE_KEY)"
    r"|TOKEN|(.*_)?(ACCESS|API|AUTH|BEARER|GITHUB|GITLAB|HF|HUB|NGC|REFRESH|SESSION|WANDB)_TOKEN",
    re.IGNORECASE,
)
VALUES: Final = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{16}|hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+|[a-z][a-z0-9+.-]{1,20}://[^/\s:@]{1,80}:[^/\s:@]{1,200}@"
)
FETCHED: Final = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
HARMLESS: Final = re.compile(
    r"arn:aws[a-z-]*:.*|/.*|s3://.*|[\w.-]+(/[\w.-]+)+|\d*|true|false|none|null|empty|dummy", re.IGNORECASE
)
"""A place where a secret is kept, its name there, or nothing."""
LONGEST: Final = 4096


class SecretInEnvironment(Rule):
    """No variable of a container holds a secret."""

    id = "SecretInEnvironment"
    severity = Severity.WARNING
    consequence = "Whoever may call DescribeModel reads it, also where CloudFormation resolved it from Secrets Manager."
    mend = "name the secret in a variable, let the execution role read it, and fetch it when the container starts"
    source = "SageMaker API reference, ContainerDefinition: Environment (no sensitive data), 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names and values of secrets."""
        for container in held(template):
            written = container.settings.get("Environment")
            fetched = (
                {name for name, value in written.items() if _is_fetched(value)} if isinstance(written, dict) else set()
            )
            for name in sorted({*fetched, *container.environment}, key=str):
                if name in fetched or _is_secret(name, container.environment[name]):
                    message = f"'{name}' holds a secret that DescribeModel shows"
                    yield Violation(container.resource, container.at("Environment", str(name)), message)


def _is_secret(name: str, value: str) -> bool:
    if VALUES.search(value[:LONGEST]):
        return True
    return NAMES.fullmatch(name) is not None and not HARMLESS.fullmatch(value[:LONGEST])


def _is_fetched(value: Any) -> bool:
    """Tell whether CloudFormation puts a secret in, which the model then shows."""
    return isinstance(value, str) and value.startswith(FETCHED)
