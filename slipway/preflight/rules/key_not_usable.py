from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.keys import may_use, uses
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class KeyNotUsable(Rule):
    """An execution role may use the keys that its data is encrypted with."""

    id = "KeyNotUsable"
    severity = Severity.ERROR
    consequence = (
        "The model cannot be read, or nothing can be captured, stored or told: S3 and SNS answer that access is denied."
    )
    mend = "allow kms:Decrypt and kms:GenerateDataKey on the key, in the role's policy and by the key's"
    source = "Amazon S3 User Guide, SSE-KMS permissions; Amazon SNS Developer Guide, key management, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find keys of the template that a role may surely not use."""
        for use in uses(template):
            if may_use(template, use) is False:
                message = f"role '{use.role.logical_id}' has no right to {use.action} with key '{use.key.logical_id}'"
                yield Violation(use.where, use.path, message)
