from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rollouts import ROLLING, shares_out_of_bounds
from slipway.preflight.rule import Rule, Severity, Violation

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
        for endpoint, path, message in shares_out_of_bounds(template, SIZES, ROLLING):
            yield Violation(endpoint, path, message)
