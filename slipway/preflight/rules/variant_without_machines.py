from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class VariantWithoutMachines(Rule):
    """A variant says what it runs on: an instance type and a count, pools, or serverless."""

    id = "VariantWithoutMachines"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "set InstanceType and InitialInstanceCount, or ServerlessConfig"
    source = "SageMaker API reference, ProductionVariant, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that do not."""
        for variant in template.variants():
            if any(variant.at(key) is not None for key in ("ServerlessConfig", "InstancePools", "Fn::Transform")):
                continue
            if variant.at("InstanceType") is None:
                message = "neither an instance type nor pools nor a serverless config is given"
                yield Violation(variant.config, (*variant.path, "InstanceType"), message)
            elif isinstance(variant.at("ModelName"), str) and variant.at("InitialInstanceCount") is None:
                message = "an instance type is given without the count of its instances"
                yield Violation(variant.config, (*variant.path, "InitialInstanceCount"), message)
