from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.spelling import meant
from slipway.preflight.template import ENDPOINT
from slipway.preflight.values import is_known
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMES: Final = {"EndpointName": ENDPOINT, "InferenceComponentName": COMPONENT}


class MetricOfMisspeltEndpoint(Rule):
    """The endpoint, or component, that a metric is watched of is spelt as where it is defined."""

    id = "MetricOfMisspeltEndpoint"
    severity = Severity.WARNING
    consequence = "Unless another stack has one of that name, the alarm never sees a value, whatever happens."
    mend = "refer to the resource instead of writing its name"
    source = "CloudWatch User Guide, dimensions (names are case-sensitive), 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that differ by a slip from one that the template defines."""
        named = {key: template.given_names(kind, key) for key, kind in NAMES.items()}
        for watch in watches(template):
            for key, value in (watch.dimensions or {}).items():
                if watch.fault is None and key in named and isinstance(value, str) and is_known(value):
                    near = meant(value, named[key])
                    if near is not None:
                        message = f"there is no '{value}' here, did you mean '{near}'?"
                        yield Violation(watch.resource, (*watch.path, "Dimensions"), message)
