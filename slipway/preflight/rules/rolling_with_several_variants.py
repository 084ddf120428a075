from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import config_of, is_serverless, production
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PATH: Final = ("DeploymentConfig", "RollingUpdatePolicy")


class RollingWithSeveralVariants(Rule):
    """A rolling update replaces the fleet of one variant that has instances."""

    id = "RollingWithSeveralVariants"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "use BlueGreenUpdatePolicy"
    source = "SageMaker Developer Guide, rolling deployments: limitations, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rolling updates of several variants or serverless ones."""
        for endpoint in template.of_kind(ENDPOINT):
            config = config_of(template, endpoint)
            if not isinstance(endpoint.at(*PATH), dict) or config is None:
                continue
            variants = production(template, config)
            if len(variants) > 1:
                yield Violation(
                    endpoint, PATH, f"a rolling update replaces one variant's fleet and there are {len(variants)}"
                )
            elif any(is_serverless(variant) for variant in variants):
                yield Violation(endpoint, PATH, "a rolling update replaces instances and the variant is serverless")
