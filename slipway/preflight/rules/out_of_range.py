from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity
from slipway.preflight.shapes import violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Template


class OutOfRange(Rule):
    """A number, the length of a text and the count of a list are within the bounds of the API."""

    id = "OutOfRange"
    severity = Severity.ERROR
    consequence = "CloudFormation or the service behind it refuses the resource, and the stack rolls back."
    mend = "write a value within the bounds"
    source = "botocore and CloudFormation's resource schemas, by slipway/catalog/limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find numbers, texts and lists beyond their bounds."""
        yield from violations_of(template, self.id)
