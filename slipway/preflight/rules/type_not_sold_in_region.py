from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TypeNotSoldInRegion(Rule):
    """An instance type is sold for hosting where the template goes."""

    id = "TypeNotSoldInRegion"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused in that region, and the stack rolls back."
    mend = "choose a type that the region sells for hosting, or another region"
    source = "cfn-lint, aws_sagemaker_hosting, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find types that the region does not sell; without a region, types that no region sells."""
        for variant in template.variants():
            machine = instance_types().get(str(variant.at("InstanceType")))
            if machine is None or template.region in machine.regions or (template.region is None and machine.regions):
                continue
            where = "any region" if template.region is None or not machine.regions else template.region
            message = f"'{machine.name}' is not sold for hosting in {where}"
            yield Violation(variant.config, (*variant.path, "InstanceType"), message)
