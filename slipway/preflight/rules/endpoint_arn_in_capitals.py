from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import invokes, invoking_roles
from slipway.preflight.roles import rights_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAME: Final = re.compile(r"arn:.*:sagemaker:.*:endpoint/([^/]*)")


class EndpointArnInCapitals(Rule):
    """The ARN of an endpoint is written in small letters, whatever its name is."""

    id = "EndpointArnInCapitals"
    severity = Severity.ERROR
    consequence = (
        "Whoever invokes the endpoint is denied: SageMaker writes ARNs small, and IAM compares letter by letter."
    )
    mend = "write the name small in the ARN, or refer to the endpoint"
    source = "cdk-samples, issue 2; sagemaker-python-sdk, endpoint ARNs, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rights to invoke what no endpoint's ARN is."""
        for role in invoking_roles(template):
            for statement in rights_of(template, role).given:
                for resource in statement.listed("Resource") if invokes(statement) else ():
                    name = NAME.fullmatch(resource) if isinstance(resource, str) else None
                    if name is not None and is_known(name[1]) and name[1] != name[1].lower():
                        message = f"'{name[1]}' is '{name[1].lower()}' in an ARN"
                        yield Violation(statement.holder, statement.path, message)
