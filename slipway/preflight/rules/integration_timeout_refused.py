from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

LEAST: Final = 50
MOST: Final = 30_000


class IntegrationTimeoutRefused(Rule):
    """An integration of API Gateway answers within the time that its kind of API allows."""

    id = "IntegrationTimeoutRefused"
    severity = Severity.ERROR
    consequence = "API Gateway refuses the integration, and the stack rolls back."
    mend = "write 50 to 30000 ms for an HTTP API and 50 ms or more for a REST API"
    source = "botocore, Integration of apigatewayv2 and apigateway: TimeoutInMillis, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other times."""
        for integration in template.of_kind("AWS::ApiGatewayV2::Integration"):
            timeout = number(integration.at("TimeoutInMillis"))
            if timeout is not None and not LEAST <= timeout <= MOST:
                message = f"{timeout:g} ms are given and {LEAST} to {MOST:,} are accepted"
                yield Violation(integration, ("TimeoutInMillis",), message)
        for method in template.of_kind("AWS::ApiGateway::Method"):
            timeout = number(method.at("Integration", "TimeoutInMillis"))
            if timeout is not None and timeout < LEAST:
                message = f"{timeout:g} ms are given and {LEAST} or more are accepted"
                yield Violation(method, ("Integration", "TimeoutInMillis"), message)
