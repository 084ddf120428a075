from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import invokes, invoking_roles
from slipway.preflight.roles import rights_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

EVERY: Final = re.compile(r"\*|arn:[^:]*:sagemaker:[^:]*:.*:(\*|endpoint/\*)")


class InvokerTooWide(Rule):
    """Who invokes may invoke the endpoints that it serves."""

    id = "InvokerTooWide"
    severity = Severity.WARNING
    consequence = "A front that is taken over reaches every endpoint of the account."
    mend = "name the endpoint's ARN"
    source = "SageMaker Developer Guide, identity-based policies: InvokeEndpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rights to invoke every endpoint."""
        for role in invoking_roles(template):
            for statement in rights_of(template, role).given:
                if not invokes(statement):
                    continue
                if any(isinstance(each, str) and EVERY.fullmatch(each) for each in statement.listed("Resource")):
                    yield Violation(statement.holder, statement.path, "every endpoint of the account may be invoked")
