from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMES: Final = ("/aws/sagemaker/Endpoints/", "/aws/sagemaker/InferenceComponents/")


class LogsNeverExpire(Rule):
    """Logs of endpoints are kept for a time."""

    id = "LogsNeverExpire"
    severity = Severity.WARNING
    consequence = "They are kept, and paid for, for good."
    mend = "set RetentionInDays"
    source = "CloudWatch Logs User Guide, log retention; Security Hub CloudWatch.16, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find log groups of endpoints without an end."""
        for group in template.of_kind("AWS::Logs::LogGroup"):
            if str(group.at("LogGroupName")).startswith(NAMES) and group.at("RetentionInDays") is None:
                yield Violation(group, ("RetentionInDays",), "no retention is given")
