from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMES: Final = ("/aws/sagemaker/Endpoints/", "/aws/sagemaker/InferenceComponents/")


class LogsNotEncrypted(Rule):
    """Logs of endpoints are encrypted with a customer's key."""

    id = "LogsNotEncrypted"
    severity = Severity.WARNING
    consequence = "What containers print, callers' data too, is encrypted with a key that nobody can audit or revoke."
    mend = "set KmsKeyId to a key whose policy lets logs.REGION.amazonaws.com use it"
    source = "CloudWatch Logs User Guide, encrypting log data; AWS Config, cloudwatch-log-group-encrypted, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find log groups of endpoints without a key."""
        for group in template.of_kind("AWS::Logs::LogGroup"):
            if str(group.at("LogGroupName")).startswith(NAMES) and group.at("KmsKeyId") is None:
                yield Violation(group, ("KmsKeyId",), "no key is given")
