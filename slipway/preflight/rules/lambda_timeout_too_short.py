from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.callers import callers
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class LambdaTimeoutTooShort(Rule):
    """A function that asks an endpoint waits for longer than Lambda does by itself."""

    id = "LambdaTimeoutTooShort"
    severity = Severity.WARNING
    consequence = "Lambda ends the function after three seconds while the model still works, which it may for sixty."
    mend = "set Timeout; below 29 seconds behind an API"
    source = "Lambda API reference, CreateFunction: Timeout; SageMaker Runtime API reference, InvokeEndpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find functions that may invoke endpoints and have the default."""
        for function in callers(template):
            if function.at("Timeout") is None:
                message = "the function may invoke an endpoint and is ended after 3 s, the default"
                yield Violation(function, ("Timeout",), message)
