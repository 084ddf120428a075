from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_serverless, production
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AsyncVariants(Rule):
    """An asynchronous endpoint has one variant, which has instances."""

    id = "AsyncVariants"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "keep one variant on instances, or remove AsyncInferenceConfig"
    source = "AWS CDK RFC 431 by a member of the SageMaker team (a single instance-based variant), read 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find asynchronous endpoints with several variants, or a serverless one."""
        for config in template.of_kind(CONFIG):
            variants = production(template, config)
            if not isinstance(config.at("AsyncInferenceConfig"), dict):
                continue
            if len(variants) > 1:
                message = f"{len(variants)} variants are given and an asynchronous endpoint has one"
                yield Violation(config, ("ProductionVariants",), message)
            elif any(is_serverless(variant) for variant in variants):
                message = "the variant is serverless and an asynchronous endpoint has instances"
                yield Violation(config, ("AsyncInferenceConfig",), message)
