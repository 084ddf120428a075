from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity
from slipway.preflight.shapes import violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Template


class UnknownProperty(Rule):
    """A property has a name that the resource type knows."""

    id = "UnknownProperty"
    severity = Severity.ERROR
    consequence = "CloudFormation refuses the template: it met an unsupported property."
    mend = "write the name as the resource type spells it, or remove it"
    source = "botocore and CloudFormation's resource schemas, by slipway/catalog/limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that neither CloudFormation nor the API knows."""
        yield from violations_of(template, self.id)
