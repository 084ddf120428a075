from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelNotReadable(Rule):
    """An execution role may read the model's data."""

    id = "ModelNotReadable"
    severity = Severity.ERROR
    consequence = "CreateModel is refused with 'Could not access model data', and the stack rolls back."
    mend = "allow s3:GetObject on the object, or on all below the prefix"
    source = "SageMaker Developer Guide, execution roles: CreateModel API, 2026-11; aws-cdk issue 10064"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models whose bucket the template holds and whose role may not read it."""
        for need in unmet(template, "read", held=True):
            yield Violation(need.where, need.path, need.missing)
