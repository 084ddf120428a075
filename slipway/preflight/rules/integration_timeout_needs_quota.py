from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 29_000


class IntegrationTimeoutNeedsQuota(Rule):
    """A REST API waits for its integration for at most 29 seconds."""

    id = "IntegrationTimeoutNeedsQuota"
    severity = Severity.WARNING
    consequence = "The deployment fails until the quota is raised, which is done for regional and private APIs alone."
    mend = "write at most 29000, or raise the quota first and acknowledge this"
    source = "API Gateway API reference, Integration: timeoutInMillis, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find longer times."""
        for method in template.of_kind("AWS::ApiGateway::Method"):
            timeout = number(method.at("Integration", "TimeoutInMillis"))
            if timeout is not None and timeout > MOST and method.at("Integration", "ResponseTransferMode") != "STREAM":
                message = f"{timeout:g} ms are given and {MOST:,} are allowed without a raised quota"
                yield Violation(method, ("Integration", "TimeoutInMillis"), message)
