from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.publishing import Fault, rows
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch


class MetricUnderOtherDimensions(Rule):
    """A metric is watched under exactly the dimensions that it is published under."""

    id = "MetricUnderOtherDimensions"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value, whatever happens, and a policy never scales."
    mend = "write every dimension that the metric is published under, and no other"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints; CloudWatch User Guide, dimensions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other sets of dimensions."""
        for watch in watches(template):
            if watch.fault is Fault.DIMENSIONS:
                given = " + ".join(sorted(watch.dimensions or {})) or "no dimension"
                message = f"{watch.name} is published under {_sets(watch)}, not under {given}"
                yield Violation(watch.resource, (*watch.path, "Dimensions"), message)


def _sets(watch: Watch) -> str:
    """Return the shortest sets that the metric is published under."""
    kind = watch.source.kind
    published = [row for row in rows()[watch.name] if row.namespace == watch.namespace]
    sets = {tuple(sorted(one)) for row in published if kind is None or kind in row.kinds for one in row.dimensions}
    return " or ".join(" + ".join(names) for names in sorted(sets, key=len)[:2])
