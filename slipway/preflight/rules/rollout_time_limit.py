from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import BLUE_GREEN, ROLLING, waits_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RolloutTimeLimit(Rule):
    """A rollout may take longer than it waits."""

    id = "RolloutTimeLimit"
    severity = Severity.ERROR
    consequence = "Every rollout runs out of time and is rolled back, however good the new version is."
    mend = "raise MaximumExecutionTimeoutInSeconds, or wait less"
    source = "botocore, BlueGreenUpdatePolicy: MaximumExecutionTimeoutInSeconds, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find limits that the waits alone use up."""
        for endpoint in template.of_kind(ENDPOINT):
            waits = waits_of(template, endpoint)
            for policy in (BLUE_GREEN, ROLLING):
                path = (*policy, "MaximumExecutionTimeoutInSeconds")
                most = number(endpoint.at(*path))
                if waits is not None and most is not None and most <= waits:
                    message = f"at most {most:g} s are allowed and the waits alone take {waits:g}"
                    yield Violation(endpoint, path, message)
