from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class UnknownInstanceType(Rule):
    """An instance type is one that SageMaker hosts on."""

    id = "UnknownInstanceType"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write a hosting type, such as ml.c7i.xlarge"
    source = "botocore, ProductionVariantInstanceType, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find types that no hosting API accepts."""
        for variant in template.variants():
            name = variant.at("InstanceType")
            if isinstance(name, str) and is_known(name) and name not in instance_types():
                hint = did_you_mean(name, sorted(instance_types()), also=f"ml.{name}")
                message = f"'{name}' is not a hosting type{hint}"
                yield Violation(variant.config, (*variant.path, "InstanceType"), message)
