from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_serverless, is_true, model_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ServerlessModelPlaced(Rule):
    """The model of a serverless variant has no VPC and no network isolation."""

    id = "ServerlessModelPlaced"
    severity = Severity.ERROR
    consequence = "CreateEndpoint fails, and the stack rolls back."
    mend = "remove VpcConfig and EnableNetworkIsolation from the model, or host it on instances"
    source = "SageMaker Developer Guide, serverless inference: feature exclusions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models that are placed and hosted without servers."""
        for variant in template.variants():
            model = model_of(template, variant)
            if not is_serverless(variant) or model is None:
                continue
            if isinstance(model.at("VpcConfig"), dict):
                yield Violation(model, ("VpcConfig",), "a serverless variant hosts this model and cannot be in a VPC")
            if is_true(model.at("EnableNetworkIsolation")):
                yield Violation(
                    model, ("EnableNetworkIsolation",), "a serverless variant hosts this model and cannot be isolated"
                )
