from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import production
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentsWithoutRole(Rule):
    """An endpoint config for inference components names an execution role."""

    id = "ComponentsWithoutRole"
    severity = Severity.WARNING
    consequence = "CreateEndpointConfig is refused, or images and weights of the components cannot be read."
    mend = "set ExecutionRoleArn of the endpoint config"
    source = (
        "SageMaker Developer Guide, deploy models with inference components: every example gives it; that its "
        "absence is refused is a guess, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs without models and without a role."""
        for config in template.of_kind(CONFIG):
            variants = production(template, config)
            bare = [each for each in variants if each.at("ModelName") is None and each.at("ServerlessConfig") is None]
            if variants and len(bare) == len(variants) and config.at("ExecutionRoleArn") is None:
                message = "the variants host inference components and no role is given"
                yield Violation(config, ("ExecutionRoleArn",), message)
