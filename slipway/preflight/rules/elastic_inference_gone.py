from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ElasticInferenceGone(Rule):
    """Accelerators are part of an instance type: Elastic Inference is no more."""

    id = "ElasticInferenceGone"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "remove AcceleratorType and choose a type with a GPU"
    source = "botocore, ProductionVariant: AcceleratorType is no longer supported, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants with an attached accelerator."""
        for variant in template.variants():
            if is_there(variant.at("AcceleratorType")):
                message = "an Elastic Inference accelerator is given, and there are none any more"
                yield Violation(variant.config, (*variant.path, "AcceleratorType"), message)
