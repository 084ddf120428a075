from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEYS: Final = (
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "ModelDataDownloadTimeoutInSeconds",
)
LEAST: Final = 60
MOST: Final = 3600


class TimeoutOutOfRange(Rule):
    """Start-up and download time-outs of a variant are 60 to 3,600 s."""

    id = "TimeoutOutOfRange"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write 60 to 3600"
    source = "SageMaker API reference, ProductionVariant, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other time-outs."""
        for variant in template.variants():
            for key in KEYS:
                seconds = number(variant.at(key))
                if seconds is not None and not LEAST <= seconds <= MOST:
                    message = f"{seconds:g} s are given and {LEAST} to {MOST} are accepted"
                    yield Violation(variant.config, (*variant.path, key), message)
