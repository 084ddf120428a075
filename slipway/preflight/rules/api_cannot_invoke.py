from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import ways_in
from slipway.preflight.roles import may_anywhere, role_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import trusts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

ENDINGS: Final = {
    "/async-invocations": "sagemaker:InvokeEndpointAsync",
    "/invocations-response-stream": "sagemaker:InvokeEndpointWithResponseStream",
}


class ApiCannotInvoke(Rule):
    """An API that calls SageMaker itself takes a role that may invoke the endpoint."""

    id = "ApiCannotInvoke"
    severity = Severity.ERROR
    consequence = "API Gateway answers every request with an error: it has no right to call SageMaker."
    mend = "name a role that trusts apigateway.amazonaws.com and allows the action on the endpoint"
    source = "API Gateway Developer Guide, credentials of AWS integrations, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find integrations without a role, or with one that surely may not."""
        for way in ways_in(template):
            if not way.direct:
                continue
            role = role_of(template, way.credentials)
            action = next(
                (name for ending, name in ENDINGS.items() if way.uri.endswith(ending)), "sagemaker:InvokeEndpoint"
            )
            if way.credentials is None:
                yield Violation(way.front, way.path, "SageMaker is called without a role")
            elif role is not None and may_anywhere(template, role, action) is False:
                yield Violation(way.front, way.path, f"role '{role.logical_id}' has no right to {action}")
            elif role is not None and trusts(role, "apigateway.amazonaws.com") is False:
                yield Violation(
                    way.front, way.path, f"role '{role.logical_id}' may not be taken by apigateway.amazonaws.com"
                )
