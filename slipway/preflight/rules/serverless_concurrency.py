from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ServerlessConcurrency(Rule):
    """A serverless variant keeps no more copies warm than it lets in requests."""

    id = "ServerlessConcurrency"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write ProvisionedConcurrency not above MaxConcurrency"
    source = "SageMaker API reference, ProductionVariantServerlessConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds that contradict."""
        for variant in template.variants():
            most = number(variant.at("ServerlessConfig", "MaxConcurrency"))
            warm = number(variant.at("ServerlessConfig", "ProvisionedConcurrency"))
            path = (*variant.path, "ServerlessConfig")
            if warm is not None and most is not None and warm > most:
                message = f"{warm:g} warm copies are more than the {most:g} requests that are let in"
                yield Violation(variant.config, (*path, "ProvisionedConcurrency"), message)
