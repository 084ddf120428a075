from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.invoking import ACTIONS, FUNCTION, knows_endpoint
from slipway.preflight.roles import may_anywhere, role_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class FunctionCannotInvoke(Rule):
    """A function that is told an endpoint may invoke it."""

    id = "FunctionCannotInvoke"
    severity = Severity.WARNING
    consequence = "Every invocation is denied, if the function makes one."
    mend = "allow sagemaker:InvokeEndpoint, or the action that the function calls, on the endpoint"
    source = "SageMaker API reference, InvokeEndpoint; that a variable means an invocation is a guess, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find functions with an endpoint among their variables and no right to invoke any."""
        names = {
            each.at("EndpointName") for each in template.of_kind(ENDPOINT) if isinstance(each.at("EndpointName"), str)
        }
        for function in template.of_kind(FUNCTION):
            role = role_of(template, function.at("Role"))
            if role is None or not knows_endpoint(template, function, names):
                continue
            if all(may_anywhere(template, role, action) is False for action in ACTIONS):
                yield Violation(function, ("Role",), f"role '{role.logical_id}' has no right to invoke any endpoint")
