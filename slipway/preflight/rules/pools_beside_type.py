from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PoolsBesideType(Rule):
    """A variant has one instance type, or pools of several."""

    id = "PoolsBesideType"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "remove InstanceType, or InstancePools"
    source = "SageMaker Developer Guide, heterogeneous endpoints: pools replace InstanceType, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants with both."""
        for variant in template.variants():
            if isinstance(variant.at("InstancePools"), list) and isinstance(variant.at("InstanceType"), str):
                message = "instance pools are given, which take the place of the instance type"
                yield Violation(variant.config, (*variant.path, "InstanceType"), message)
