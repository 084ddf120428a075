from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.callers import callers, integrations
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class LambdaOutlivesItsApi(Rule):
    """A function behind an API ends before the API gives up waiting."""

    id = "LambdaOutlivesItsApi"
    severity = Severity.WARNING
    consequence = "The API answers 504, and the function goes on, is paid for, and nobody reads its answer."
    mend = "set Timeout at or below the time that the integration waits"
    source = "API Gateway Developer Guide, quotas; Lambda Developer Guide, time-outs, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find functions that may invoke endpoints and take longer than the integration that calls them."""
        called = {function.logical_id: function for function in callers(template)}
        for integration, path, uri, most in integrations(template):
            function = called.get(str(uri))
            timeout = None if function is None else number(function.at("Timeout"))
            wait = number(integration.at(*path, "TimeoutInMillis"))
            bound = most if wait is None else wait
            known = integration.at(*path, "TimeoutInMillis") is None or wait is not None
            if function is not None and timeout is not None and known and timeout * 1000 > bound:
                message = f"the function may take {timeout:g} s and the API waits for {bound / 1000:g} s"
                yield Violation(function, ("Timeout",), message)
