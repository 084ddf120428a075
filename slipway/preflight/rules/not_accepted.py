from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity
from slipway.preflight.shapes import violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Template


class NotAccepted(Rule):
    """A value that must be one of a few words, or look like a name or an address, is and does."""

    id = "NotAccepted"
    severity = Severity.ERROR
    consequence = "CloudFormation or the service behind it refuses the resource, and the stack rolls back."
    mend = "write one of the accepted values"
    source = "botocore and CloudFormation's resource schemas, by slipway/catalog/limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other words and other forms."""
        yield from violations_of(template, self.id)
