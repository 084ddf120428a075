from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.monitoring import watches
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MonitorWithoutCapture(Rule):
    """An endpoint that is monitored captures what it is asked and what it answers."""

    id = "MonitorWithoutCapture"
    severity = Severity.ERROR
    consequence = "Every monitoring job fails: there is nothing to look at."
    mend = "give the endpoint config a DataCaptureConfig"
    source = "botocore, EndpointInput: an endpoint with DataCaptureConfig enabled, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find watches over endpoints that capture nothing."""
        for resource, path, config in watches(template):
            capture, enabled = config.at("DataCaptureConfig"), config.at("DataCaptureConfig", "EnableCapture")
            if capture is None or str(enabled).lower() == "false":
                message = f"the endpoint is watched and '{config.logical_id}' captures nothing"
                yield Violation(resource, path, message)
