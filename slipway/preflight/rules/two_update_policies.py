from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import BLUE_GREEN, ROLLING
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TwoUpdatePolicies(Rule):
    """An endpoint is updated blue/green or batch by batch."""

    id = "TwoUpdatePolicies"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "keep one of the two policies"
    source = "botocore, DeploymentConfig: only one update policy should be used, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find endpoints with both policies."""
        for endpoint in template.of_kind(ENDPOINT):
            if isinstance(endpoint.at(*BLUE_GREEN), dict) and isinstance(endpoint.at(*ROLLING), dict):
                yield Violation(endpoint, ROLLING, "a rolling policy is given beside a blue/green one")
