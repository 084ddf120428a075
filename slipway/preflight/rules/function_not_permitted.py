from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.invoking import PERMISSION, ways_in
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class FunctionNotPermitted(Rule):
    """A function behind an API lets the API call it."""

    id = "FunctionNotPermitted"
    severity = Severity.ERROR
    consequence = "API Gateway answers every request with 500: it has no right to call the function."
    mend = (
        "add an AWS::Lambda::Permission for apigateway.amazonaws.com with the API's SourceArn, or a role as Credentials"
    )
    source = "API Gateway Developer Guide, Lambda integrations: permissions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find integrations with a function of the template that no permission in it opens to API Gateway."""
        open_to_api = callable_by_api(template)
        for way in ways_in(template):
            names = {match[1] for match in LINK.finditer(way.uri)}
            if not way.direct and way.credentials is None and open_to_api is not None and not names & open_to_api:
                yield Violation(way.front, way.path, "no permission lets API Gateway call this function")


def callable_by_api(template: Template) -> set[str] | None:
    """Return the logical ids of functions that API Gateway may call; None where only a deployment knows."""
    found = set()
    for permission in template.of_kind(PERMISSION):
        match = LINK.search(str(permission.at("FunctionName")))
        if match is None:
            return None
        if permission.at("Principal") in ("*", "apigateway.amazonaws.com") or not isinstance(
            permission.at("Principal"), str
        ):
            found.add(match[1])
    return found
