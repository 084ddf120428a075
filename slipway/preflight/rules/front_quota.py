from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import limit
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PATH: Final = ("Integration", "TimeoutInMillis")


class FrontQuota(Rule):
    """A REST integration that buffers its answer waits at most 29 s."""

    id = "FrontQuota"
    severity = Severity.WARNING
    consequence = "The deployment is refused, unless the quota of a regional or private API was raised in this account."
    mend = "wait at most 29000 ms, stream the answer, or acknowledge this with the raised quota"
    source = "API Gateway quotas, by slipway/catalog/prose_limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find integrations that wait longer."""
        most = limit("rest_api_integration_ms").most
        for method in template.of_kind("AWS::ApiGateway::Method"):
            value, mode = number(method.at(*PATH)), method.at("Integration", "ResponseTransferMode")
            if value is not None and most is not None and value > most and mode in (None, "BUFFERED"):
                message = f"{value:g} ms are given and {most} are accepted without a raised quota"
                yield Violation(method, PATH, message)
