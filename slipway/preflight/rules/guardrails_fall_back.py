from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import config_of, production
from slipway.preflight.rollouts import step_path
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class GuardrailsFallBack(Rule):
    """A guarded rollout is of machines for which SageMaker has guardrails."""

    id = "GuardrailsFallBack"
    severity = Severity.WARNING
    consequence = "The rollout falls back to all at once, without baking time, and says nothing."
    mend = "use another family than Inf1, or expect it"
    source = "SageMaker Developer Guide, deployment-guardrails-exclusions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find guarded rollouts of Inf1 machines."""
        for endpoint in template.of_kind(ENDPOINT):
            config = config_of(template, endpoint)
            if config is None or step_path(endpoint) is None:
                continue
            for variant in production(template, config):
                if str(variant.at("InstanceType")).startswith("ml.inf1."):
                    message = f"'{variant.at('InstanceType')}' has no guarded rollouts"
                    yield Violation(endpoint, ("DeploymentConfig",), message)
