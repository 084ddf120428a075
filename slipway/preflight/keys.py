"""Whether roles may use the keys that hosting encrypts with: by the key's policy, or by their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from slipway.preflight.needs import execution_roles, needs
from slipway.preflight.roles import plain, rights_of, role_of
from slipway.preflight.statements import Statement, both, some, statements_in
from slipway.preflight.storage import KEYS, bucket_key, key_of
from slipway.preflight.template import CONFIG
from slipway.preflight.values import LINK, link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

ACCOUNT: Final = re.compile(rf"(?:arn:aws[^:]*:iam::)?(?:\d{{12}}|{re.escape(link('AWS::AccountId'))})(?::root)?")


class Use(NamedTuple):
    """A key that a role must be able to use, and the property that makes it so."""

    where: Resource
    path: Path
    role: Resource
    key: Resource
    action: str


def uses(template: Template) -> Iterator[Use]:
    """Yield the keys of a template that execution roles must use."""
    for need in needs(template):
        if need.held is None or need.kind not in ("read", "write", "publish"):
            continue
        name = need.held.at("KmsMasterKeyId") if need.kind == "publish" else bucket_key(need.held)
        key = key_of(template, name)
        if key is not None:
            action = "kms:Decrypt" if need.kind == "read" else "kms:GenerateDataKey"
            yield Use(need.where, need.path, need.role, key, action)
    for config in template.of_kind(CONFIG):
        for path in KEYS[1:]:  # the first is the volume's: AWS does not say which right it takes
            key = key_of(template, config.at(*path))
            for role in execution_roles(template, config) if key is not None else ():
                assert key is not None  # noqa: S101  looked at above
                yield Use(config, path, role, key, "kms:GenerateDataKey")


def may_use(template: Template, use: Use) -> bool | None:
    """Return whether the role may; None where only a deployment knows."""
    own = rights_of(template, use.role).allows(use.action, link(use.key.logical_id, "Arn"))
    if use.key.at("KeyPolicy") is None:
        return own  # KMS's own policy leaves it to those of the account's roles
    statements, whole = statements_in(use.key, ("KeyPolicy",), plain(template, use.key.at("KeyPolicy")))
    given = [each for each in statements if each.allows and each.speaks_of(use.action, "*") is not False]
    named = some(_names(template, each, use.role) for each in given)
    if named is not False or not whole:
        return True if named else None
    return both(some(_leaves_it_to_roles(each) for each in given), own)


def _principals(statement: Statement) -> list[Any]:
    principal = statement.written.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return named if isinstance(named, list) else [] if named is None else [named]


def _names(template: Template, statement: Statement, role: Resource) -> bool | None:
    """Whether a statement gives a right to a role itself; a condition leaves that open."""
    found = some(_is_role(template, each, role) for each in _principals(statement))
    return None if found and statement.conditional else found


def _is_role(template: Template, principal: Any, role: Resource) -> bool | None:
    if not isinstance(principal, str):
        return None
    if ACCOUNT.fullmatch(principal):
        return False
    match = LINK.fullmatch(principal)
    if match is not None and role_of(template, principal) is not None:
        return match[1] == role.logical_id
    return None if "*" in principal or ":role/" in principal or match is not None else False


def _leaves_it_to_roles(statement: Statement) -> bool | None:
    found = some(isinstance(each, str) and ACCOUNT.fullmatch(each) is not None for each in _principals(statement))
    return None if found and statement.conditional else found
