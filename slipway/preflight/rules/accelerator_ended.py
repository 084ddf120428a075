from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AcceleratorEnded(Rule):
    """A variant asks for no Elastic Inference accelerator."""

    id = "AcceleratorEnded"
    severity = Severity.ERROR
    consequence = "The service has ended: CloudFormation knows the property no longer, and the stack is refused."
    mend = "remove AcceleratorType and choose a type with a GPU or Inferentia"
    source = "botocore, ProductionVariant: AcceleratorType, no longer supported, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that do."""
        for variant in template.variants():
            wanted = variant.at("AcceleratorType")
            if isinstance(wanted, str):
                message = f"'{wanted}' is asked for and Elastic Inference has ended"
                yield Violation(variant.config, (*variant.path, "AcceleratorType"), message)
