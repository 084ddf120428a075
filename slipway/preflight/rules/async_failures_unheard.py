from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

OUTPUT: Final = ("AsyncInferenceConfig", "OutputConfig")


class AsyncFailuresUnheard(Rule):
    """Somebody learns of asynchronous requests that fail."""

    id = "AsyncFailuresUnheard"
    severity = Severity.WARNING
    consequence = "A caller whose request fails waits for an answer that never comes."
    mend = "set OutputConfig.S3FailurePath, NotificationConfig.ErrorTopic or both"
    source = "SageMaker API reference, AsyncInferenceNotificationConfig: ErrorTopic, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find asynchronous endpoints that report no failure."""
        for config in template.of_kind(CONFIG):
            output = config.at(*OUTPUT)
            if not isinstance(output, dict):
                continue
            if output.get("S3FailurePath") is None and value_at(output, ("NotificationConfig", "ErrorTopic")) is None:
                yield Violation(config, OUTPUT, "neither a topic nor a path for failures is given")
