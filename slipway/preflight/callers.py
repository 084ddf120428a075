"""Functions that ask endpoints, and the integrations that call functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.template import value_at
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

FUNCTION: Final = "AWS::Lambda::Function"
ROLE: Final = "AWS::IAM::Role"
POLICIES: Final = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
ASKS: Final = {"sagemaker:invokeendpoint", "sagemaker:invokeendpointwithresponsestream"}
"""InvokeEndpointAsync answers at once."""


def callers(template: Template) -> Iterator[Resource]:
    """Yield every function whose role, in this template, may invoke an endpoint and wait for its answer."""
    roles = {role.logical_id for role in template.of_kind(ROLE) if _asks(role.at("Policies"))}
    for policy in template.of_kind(*POLICIES):
        listed = policy.at("Roles")
        if _asks([{"PolicyDocument": policy.at("PolicyDocument")}]) and isinstance(listed, list):
            roles |= {named for role in listed if (named := linked(role)) is not None}
    for function in template.of_kind(FUNCTION):
        if linked(function.at("Role")) in roles:
            yield function


def integrations(template: Template) -> Iterator[tuple[Resource, Path, str | None, int]]:
    """Yield every proxy, where it stands, the function whose answer it waits for, and for how many ms at most."""
    for method in template.of_kind("AWS::ApiGateway::Method"):
        mode = method.at("Integration", "ResponseTransferMode")
        if method.at("Integration", "Type") == "AWS_PROXY" and mode in (None, "BUFFERED"):
            yield method, ("Integration",), linked(method.at("Integration", "Uri")), 29_000
    for integration in template.of_kind("AWS::ApiGatewayV2::Integration"):
        if integration.at("IntegrationType") == "AWS_PROXY":
            yield integration, (), linked(integration.at("IntegrationUri")), 30_000


def linked(value: Any) -> str | None:
    """Return the logical id of the resource that a text refers to; None where it refers to none."""
    match = LINK.search(value) if isinstance(value, str) else None
    return None if match is None else match[1]


def _asks(policies: Any) -> bool:
    for policy in policies if isinstance(policies, list) else []:
        statements = value_at(policy, ("PolicyDocument", "Statement"))
        for statement in statements if isinstance(statements, list) else [statements]:
            actions = value_at(statement, ("Action",))
            allowed = value_at(statement, ("Effect",)) == "Allow"
            listed = actions if isinstance(actions, list) else [actions]
            if allowed and any(isinstance(action, str) and action.lower() in ASKS for action in listed):
                return True
    return False
