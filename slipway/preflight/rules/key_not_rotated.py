from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import hosting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class KeyNotRotated(Rule):
    """Keys that hosting encrypts with are rotated."""

    id = "KeyNotRotated"
    severity = Severity.WARNING
    consequence = "One key material encrypts everything for good."
    mend = "set EnableKeyRotation"
    source = "Security Hub KMS.4, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find symmetric keys of the template that are not."""
        for key in hosting_keys(template):
            rotated = key.at("EnableKeyRotation")
            ordinary = key.at("KeySpec") in (None, "SYMMETRIC_DEFAULT") and key.at("Origin") in (None, "AWS_KMS")
            if ordinary and (rotated is None or str(rotated).lower() == "false"):
                yield Violation(key, ("EnableKeyRotation",), "the key is never rotated")
