from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.invoking import ways_in
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AuthorizerMissing(Rule):
    """A method that an authorizer guards names it."""

    id = "AuthorizerMissing"
    severity = Severity.ERROR
    consequence = "PutMethod is refused, and the stack rolls back."
    mend = "set AuthorizerId"
    source = "API Gateway API reference, PutMethod: authorizerId, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find guarded methods without one."""
        for way in ways_in(template):
            method = way.front
            if method.at("AuthorizationType") in ("CUSTOM", "COGNITO_USER_POOLS") and method.at("AuthorizerId") is None:
                yield Violation(
                    method,
                    ("AuthorizerId",),
                    f"'{method.at('AuthorizationType')}' takes an authorizer and none is named",
                )
