from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_true
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class CaptureOfNothing(Rule):
    """Data capture that is switched on captures some requests."""

    id = "CaptureOfNothing"
    severity = Severity.WARNING
    consequence = "Nothing is captured, and nothing says so."
    mend = "raise InitialSamplingPercentage, or set EnableCapture to false"
    source = "SageMaker API reference, DataCaptureConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find captures of 0 percent."""
        for config in template.of_kind(CONFIG):
            share = number(config.at("DataCaptureConfig", "InitialSamplingPercentage"))
            enabled = config.at("DataCaptureConfig", "EnableCapture")
            if share == 0 and (enabled is None or is_true(enabled)):
                path = ("DataCaptureConfig", "InitialSamplingPercentage")
                yield Violation(config, path, "data capture is on and samples 0 percent")
