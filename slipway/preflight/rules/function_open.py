from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import PERMISSION, serving_functions
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NARROWED: Final = ("FunctionUrlAuthType", "InvokedViaFunctionUrl", "PrincipalOrgID", "SourceAccount", "SourceArn")


class FunctionOpen(Rule):
    """A function in front of an endpoint is called by those who were allowed to."""

    id = "FunctionOpen"
    severity = Severity.WARNING
    consequence = "Anybody who finds its address, or knows its ARN, invokes the endpoint, at the owner's cost."
    mend = "set AuthType to AWS_IAM, and name a principal, for a service with its SourceArn"
    source = "Security Hub Lambda.1; Lambda Developer Guide, function URLs and resource-based policies, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find function URLs and permissions that let in everybody."""
        serving = {function.logical_id for function in serving_functions(template)}
        for url in template.of_kind("AWS::Lambda::Url"):
            match = LINK.search(str(url.at("TargetFunctionArn")))
            if match is not None and match[1] in serving and url.at("AuthType") == "NONE":
                yield Violation(url, ("AuthType",), "everybody may call this URL")
        for permission in template.of_kind(PERMISSION):
            match = LINK.search(str(permission.at("FunctionName")))
            if match is None or match[1] not in serving or any(permission.at(key) is not None for key in NARROWED):
                continue
            if permission.at("Principal") == "*":
                yield Violation(permission, ("Principal",), "everybody may call this function")
            elif permission.at("Principal") == "apigateway.amazonaws.com":
                yield Violation(permission, ("SourceArn",), "any API of any account may call this function")
