from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class CaptureNotEncrypted(Rule):
    """Captured requests and answers are encrypted with a customer's key."""

    id = "CaptureNotEncrypted"
    severity = Severity.WARNING
    consequence = "What callers sent lies in S3 under the bucket's default encryption alone."
    mend = "set DataCaptureConfig.KmsKeyId"
    source = "Security Hub SageMaker.24, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find captures without a key."""
        for config in template.of_kind(CONFIG):
            if isinstance(config.at("DataCaptureConfig"), dict) and config.at("DataCaptureConfig", "KmsKeyId") is None:
                yield Violation(config, ("DataCaptureConfig", "KmsKeyId"), "no key is given")
