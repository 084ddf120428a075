from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.invoking import serving_functions
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NO_SECRET: Final = re.compile(r"\{\{resolve:|arn:|/|(true|false|yes|no|none|null|\d+)$", re.IGNORECASE)
SECRET: Final = re.compile(
    r"(.*_)?(secret|password|passwd|passphrase|api_?key|access_?key|private_?key|(auth|api|access|bearer|hf)_?token|token|secret_.*_?key)",
    re.IGNORECASE,
)


class SecretInFunction(Rule):
    """A function that invokes gets its secrets from where secrets are kept."""

    id = "SecretInFunction"
    severity = Severity.WARNING
    consequence = "Whoever may read the function's configuration, or the template, has the secret."
    mend = "keep it in Secrets Manager and give the function its ARN"
    source = "Lambda Developer Guide, environment variables: secrets; Well-Architected SEC02, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variables that are called a secret and have a value."""
        for function in serving_functions(template):
            variables = function.at("Environment", "Variables")
            for name, value in variables.items() if isinstance(variables, dict) else ():
                if SECRET.fullmatch(str(name)) and is_written(value):
                    path = ("Environment", "Variables", str(name))
                    yield Violation(function, path, "a secret is written into the template")


def is_written(value: Any) -> bool:
    """Return whether a value stands in the template as it is, and is no switch, number, path or reference."""
    return isinstance(value, str) and bool(value) and is_known(value) and NO_SECRET.match(value) is None
