"""Who invokes endpoints: functions, and APIs in front of them or of SageMaker itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.globs import covers
from slipway.preflight.roles import ROLE, rights_of, role_of
from slipway.preflight.template import ENDPOINT
from slipway.preflight.trust import hosting_roles
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.statements import Statement
    from slipway.preflight.template import Path, Resource, Template

FUNCTION: Final = "AWS::Lambda::Function"
METHOD: Final = "AWS::ApiGateway::Method"
PERMISSION: Final = "AWS::Lambda::Permission"
ACTIONS: Final = (
    "sagemaker:InvokeEndpoint",
    "sagemaker:InvokeEndpointAsync",
    "sagemaker:InvokeEndpointWithResponseStream",
)
RUNTIME: Final = ":runtime.sagemaker:"


@dataclass(frozen=True)
class Way:
    """A way in from outside: a method or a route, and what answers behind it.

    Args:
        front: The method, or the integration of an HTTP API.
        path: Of the property that names what answers.
        uri: Of what answers.
        credentials: The role that the API takes for it.
    """

    front: Resource
    path: Path
    uri: str
    credentials: Any

    @property
    def direct(self) -> bool:
        """Whether SageMaker itself answers."""
        return RUNTIME in self.uri


def invokes(statement: Statement) -> bool:
    """Return whether a statement allows to invoke endpoints, by name or as part of all that SageMaker does."""
    named = [each.lower() for each in statement.listed("Action") if isinstance(each, str)]
    return statement.allows and any(
        each.startswith("sagemaker:") and covers(each, action.lower()) for each in named for action in ACTIONS
    )


@lru_cache(maxsize=1)
def invoking_roles(template: Template) -> tuple[Resource, ...]:
    """Return the roles of the template that may invoke endpoints, and that no endpoint runs with."""
    hosting = {role.logical_id for role in hosting_roles(template)}
    return tuple(
        role
        for role in template.of_kind(ROLE)
        if role.logical_id not in hosting and any(map(invokes, rights_of(template, role).statements))
    )


@lru_cache(maxsize=1)
def serving_functions(template: Template) -> tuple[Resource, ...]:
    """Return the functions that know an endpoint by a variable, or whose role may invoke one."""
    roles = {role.logical_id for role in invoking_roles(template)}
    names = {each.at("EndpointName") for each in template.of_kind(ENDPOINT) if isinstance(each.at("EndpointName"), str)}
    found = []
    for function in template.of_kind(FUNCTION):
        role = role_of(template, function.at("Role"))
        if knows_endpoint(template, function, names) or (role is not None and role.logical_id in roles):
            found.append(function)
    return tuple(found)


def front_roles(template: Template) -> list[Resource]:
    """Return the roles of the template that functions and APIs in front of endpoints run with."""
    hosting = {role.logical_id for role in hosting_roles(template)}
    run_with = [role_of(template, function.at("Role")) for function in serving_functions(template)]
    found = {role.logical_id: role for role in (*invoking_roles(template), *run_with) if role is not None}
    return [role for name, role in found.items() if name not in hosting]


def knows_endpoint(template: Template, function: Resource, names: set[str]) -> bool:
    """Return whether a variable of a function refers to an endpoint of the template, or is one of these names."""
    variables = function.at("Environment", "Variables")
    for value in variables.values() if isinstance(variables, dict) else ():
        match = LINK.fullmatch(value) if isinstance(value, str) else None
        held = None if match is None else template.resources.get(match[1])
        if (held is not None and held.kind == ENDPOINT) or (isinstance(value, str) and value in names):
            return True
    return False


def ways_in(template: Template) -> Iterator[Way]:
    """Yield the methods and integrations behind which an endpoint is invoked."""
    serving = {function.logical_id for function in serving_functions(template)}
    for method in template.of_kind(METHOD):
        yield from _way(method, ("Integration", "Uri"), method.at("Integration", "Credentials"), serving)
    for integration in template.of_kind("AWS::ApiGatewayV2::Integration"):
        yield from _way(integration, ("IntegrationUri",), integration.at("CredentialsArn"), serving)


def _way(front: Resource, path: Path, credentials: Any, serving: set[str]) -> Iterator[Way]:
    uri = front.at(*path)
    if isinstance(uri, str) and (RUNTIME in uri or any(match[1] in serving for match in LINK.finditer(uri))):
        yield Way(front, path, uri, credentials)
