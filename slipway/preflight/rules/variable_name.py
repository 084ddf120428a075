from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}")
LONG: Final = 60


class VariableName(Rule):
    """A variable of a container is named by letters, digits and underscores, and begins with none of the digits."""

    id = "VariableName"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "rename the variable"
    source = "botocore, EnvironmentKey, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other names."""
        for container in held(template):
            written = container.settings.get("Environment")
            for name in written if isinstance(written, dict) else ():
                if not NAME.fullmatch(str(name)):
                    message = f"'{str(name)[:LONG]}' is not a name that a variable can have"
                    yield Violation(container.resource, container.at("Environment"), message)
