"""Whom a role trusts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.roles import role_of
from slipway.preflight.statements import Statement, some, statements_in
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from slipway.preflight.template import Resource, Template

ASSUME: Final = ("sts:assumerole", "sts:*", "*")
FOREIGN: Final = re.compile(r"(?:arn:aws[^:]*:iam::)?\d{12}(?::root)?")


def hosting_roles(template: Template) -> list[Resource]:
    """Return the roles that models and endpoint configs run with and that the template holds."""
    named = [role_of(template, each.at("ExecutionRoleArn")) for each in template.of_kind(MODEL, CONFIG)]
    return list({role.logical_id: role for role in named if role is not None}.values())


def trusting(role: Resource) -> list[Statement]:
    """Return the statements that let somebody take a role."""
    found, _ = statements_in(role, ("AssumeRolePolicyDocument",), role.at("AssumeRolePolicyDocument"))
    return [each for each in found if each.allows]


def trusts(role: Resource, service: str) -> bool | None:
    """Return whether a service may take a role, conditions left aside; None where only a deployment knows."""
    found, whole = statements_in(role, ("AssumeRolePolicyDocument",), role.at("AssumeRolePolicyDocument"))
    known = some(_lets(each, service) for each in found if each.allows)
    return None if known is False and not whole else known


def _lets(statement: Statement, service: str) -> bool | None:
    actions = statement.listed("Action")
    if not any(not isinstance(each, str) or each.lower() in ASSUME for each in actions):
        return False
    if not isinstance(statement.written.get("Principal"), dict):
        return None
    named = principals(statement, "Service")
    return service in named or (None if any(not isinstance(each, str) or "*" in each for each in named) else False)


def principals(statement: Statement, kind: str) -> list[Any]:
    """Return whom a statement names: ``AWS`` for accounts, users and roles, ``Service`` for services."""
    principal = statement.written.get("Principal")
    named = principal.get(kind) if isinstance(principal, dict) else principal if kind == "AWS" else []
    return named if isinstance(named, list) else [] if named is None else [named]


def is_foreign(principal: Any) -> bool:
    """Return whether a principal is an account by its number, and no reference to this one."""
    return isinstance(principal, str) and FOREIGN.fullmatch(principal) is not None
