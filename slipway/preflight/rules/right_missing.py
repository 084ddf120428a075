from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RightMissing(Rule):
    """An execution role has its own right to what lies outside of the stack."""

    id = "RightMissing"
    severity = Severity.WARNING
    consequence = (
        "Unless a policy of the bucket, repository or topic gives the right, CreateModel is refused, or nothing is"
        " written or told."
    )
    mend = "allow the action in a policy of the role"
    source = (
        "SageMaker Developer Guide, execution roles: CreateModel API, 2026-11; IAM User Guide, identity-based and "
        "resource-based policies"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rights that none of the role's policies gives."""
        for need in unmet(template, "read", "search", "pull", "write", "publish", held=False):
            yield Violation(need.where, need.path, need.missing)
