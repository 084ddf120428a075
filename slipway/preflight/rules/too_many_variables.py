from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 100


class TooManyVariables(Rule):
    """A container has at most a hundred variables."""

    id = "TooManyVariables"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "put them into a file of the archive"
    source = "botocore, EnvironmentMap, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers with more."""
        for container in held(template):
            written = container.settings.get("Environment")
            if isinstance(written, dict) and len(written) > MOST:
                message = f"{len(written)} variables are given and at most {MOST} are accepted"
                yield Violation(container.resource, container.at("Environment"), message)
