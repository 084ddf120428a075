from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import limit
from slipway.preflight.rollouts import ROLLING
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SIZES: Final = {"MaximumBatchSize": "rolling_batch_percent", "RollbackMaximumBatchSize": "rollback_batch_percent"}


class BatchTooLarge(Rule):
    """A batch of a rolling update is 5 to 50 percent of the fleet; one of its rollback at most all of it."""

    id = "BatchTooLarge"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "write 5 to 50 percent"
    source = "botocore, RollingUpdatePolicy, by slipway/catalog/prose_limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other shares of the fleet."""
        for endpoint in template.of_kind(ENDPOINT):
            for key, name in SIZES.items():
                path, bounds = (*ROLLING, key), limit(name)
                share = number(endpoint.at(*path, "Value"))
                if endpoint.at(*path, "Type") != "CAPACITY_PERCENT" or share is None:
                    continue
                if not (bounds.least or 0) <= share <= (bounds.most or 100):
                    message = f"{share:g} percent are given and {bounds.least} to {bounds.most} are accepted"
                    yield Violation(endpoint, (*path, "Value"), message)
