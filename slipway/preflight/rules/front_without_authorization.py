from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import METHOD, ways_in
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template

NOBODY: Final = (None, "NONE")
NO_KEY: Final = (None, False, "false")
PUBLIC: Final = (None, ["EDGE"], ["REGIONAL"])


class FrontWithoutAuthorization(Rule):
    """Who calls an API in front of an endpoint has shown who they are."""

    id = "FrontWithoutAuthorization"
    severity = Severity.WARNING
    consequence = "Anybody who finds the address invokes the endpoint, at the owner's cost."
    mend = "set AuthorizationType, such as AWS_IAM"
    source = "Security Hub APIGateway.8; API Gateway Developer Guide, controlling access, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find methods and routes that let in everybody."""
        fronts = [way.front for way in ways_in(template)]
        for front in fronts:
            if front.kind == METHOD and is_open(template, front):
                yield Violation(front, ("AuthorizationType",), "everybody may call this method")
        behind = {front.logical_id for front in fronts}
        for route in template.of_kind("AWS::ApiGatewayV2::Route"):
            match = LINK.search(str(route.at("Target")))
            socket = str(route.at("RouteKey")).startswith("$") and route.at("RouteKey") != "$default"
            if match is not None and match[1] in behind and not socket and route.at("AuthorizationType") in NOBODY:
                yield Violation(route, ("AuthorizationType",), "everybody may call this route")


def is_open(template: Template, method: Resource) -> bool:
    """Return whether everybody may call a method, of a public API without a policy that the template holds."""
    api = template.named("AWS::ApiGateway::RestApi", method.at("RestApiId"), key="Name")
    if api is None or api.at("Policy") is not None or api.at("EndpointConfiguration", "Types") not in PUBLIC:
        return False
    asked = method.at("AuthorizationType") not in NOBODY or method.at("ApiKeyRequired") not in NO_KEY
    return not asked and method.at("HttpMethod") != "OPTIONS"
