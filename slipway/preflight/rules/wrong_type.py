from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity
from slipway.preflight.shapes import violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Template


class WrongType(Rule):
    """A value is of the kind that its property takes: a list where a list stands, a number where a number stands."""

    id = "WrongType"
    severity = Severity.ERROR
    consequence = "CloudFormation or the service behind it refuses the resource, and the stack rolls back."
    mend = "write a value of that kind"
    source = "botocore and CloudFormation's resource schemas, by slipway/catalog/limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find lists for texts, texts for numbers and the like."""
        yield from violations_of(template, self.id)
