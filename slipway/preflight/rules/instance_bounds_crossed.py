from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class InstanceBoundsCrossed(Rule):
    """Managed instance scaling has a maximum that is not below its minimum."""

    id = "InstanceBoundsCrossed"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "raise MaxInstanceCount, or lower MinInstanceCount"
    source = "SageMaker API reference, ProductionVariantManagedInstanceScaling, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds that cross."""
        for variant in template.variants():
            least = number(variant.at("ManagedInstanceScaling", "MinInstanceCount"))
            most = number(variant.at("ManagedInstanceScaling", "MaxInstanceCount"))
            if least is not None and most is not None and most < least:
                path = (*variant.path, "ManagedInstanceScaling", "MaxInstanceCount")
                yield Violation(variant.config, path, f"at most {most:g} instances are less than at least {least:g}")
