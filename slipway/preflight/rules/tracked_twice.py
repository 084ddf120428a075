from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.watching import TRACKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


class TrackedTwice(Rule):
    """Policies of one target track different metrics."""

    id = "TrackedTwice"
    severity = Severity.WARNING
    consequence = "Two policies pull at one fleet by the same metric: one of them has no effect, or both fight."
    mend = "keep one policy for each metric"
    source = "Application Auto Scaling User Guide, target tracking: several policies, each a different metric, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies that track what another one tracks."""
        for place in targets(template):
            first: dict[str, str] = {}
            for policy in policies_of(template, place):
                tracked = _tracked(policy)
                earlier = first.setdefault(tracked, policy.logical_id) if tracked else policy.logical_id
                if earlier != policy.logical_id and template.is_certain(policy):
                    yield Violation(policy, (TRACKING,), f"'{earlier}' tracks the same metric")


def _tracked(policy: Resource) -> str:
    settings = policy.at(TRACKING)
    if not isinstance(settings, dict):
        return ""
    metric = {key: settings[key] for key in settings if str(key).endswith("MetricSpecification")}
    written = json.dumps(metric, sort_keys=True, default=str) if metric else ""
    return "" if "unknown" in written else written
