from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import limit
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Template

TIMEOUTS: Final[dict[str, tuple[Path, str]]] = {
    "AWS::ApiGatewayV2::Integration": (("TimeoutInMillis",), "http_api_integration_ms"),
    "AWS::Lambda::Function": (("Timeout",), "lambda_seconds"),
}


class FrontTimeout(Rule):
    """A front that waits for a model waits within what its service allows."""

    id = "FrontTimeout"
    severity = Severity.ERROR
    consequence = "The integration or function is refused, and the stack rolls back."
    mend = "write a time-out within the bounds; for longer answers use a stream or a queue"
    source = "API Gateway and Lambda quotas, by slipway/catalog/prose_limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find time-outs of functions and integrations beyond their bounds."""
        for kind, (path, name) in TIMEOUTS.items():
            bounds = limit(name)
            for resource in template.of_kind(kind):
                value = number(resource.at(*path))
                if value is not None and not (bounds.least or 0) <= value <= (bounds.most or value):
                    accepted = f"{bounds.least} to {bounds.most} {bounds.unit} are accepted"
                    yield Violation(resource, path, f"{value:g} {bounds.unit} are given and {accepted}")
