"""What a role may do, as far as a template tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import managed_policy
from slipway.preflight.globs import S3
from slipway.preflight.statements import Statement, some, statements_in
from slipway.preflight.values import LINK, Unknown, link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template

ROLE: Final = "AWS::IAM::Role"
MANAGED: Final = "AWS::IAM::ManagedPolicy"
POLICIES: Final = ("AWS::IAM::Policy", MANAGED)
ROLE_POLICY: Final = "AWS::IAM::RolePolicy"
BUCKET: Final = "AWS::S3::Bucket"
TOPIC: Final = "AWS::SNS::Topic"
UNNAMED: Final = ""
AWS_MANAGED: Final = re.compile(r"arn:aws[^:]*:iam::aws:policy/(?:.*/)?([^/]+)")


@dataclass(frozen=True)
class Rights:
    """What a role may do.

    Args:
        statements: Of its policies.
        certain: Whether there is no other policy.
        bounded: Whether a permissions boundary may take some of them.
    """

    statements: tuple[Statement, ...]
    certain: bool
    bounded: bool = False

    def allows(self, action: str, resource: Any) -> bool | None:
        """Return whether an action on a resource is allowed; None where only a deployment knows."""
        denied = some(each.applies_to(action, resource) for each in self.statements if each.denies)
        if denied:
            return False
        given = some(each.applies_to(action, resource) for each in self.statements if each.allows)
        if given is False:
            return False if self.certain else None
        return True if given and denied is False and not self.bounded else None

    @property
    def given(self) -> list[Statement]:
        """What the template itself allows, AWS's managed policies left aside."""
        return [each for each in self.statements if each.allows and each.path[0] != "ManagedPolicyArns"]

    def without(self, holders: set[str]) -> Rights:
        """Return what is left without the policies of these logical ids."""
        kept = tuple(each for each in self.statements if each.holder.logical_id not in holders)
        return Rights(kept, self.certain, self.bounded)


def role_of(template: Template, arn: Any) -> Resource | None:
    """Return the role that an ARN or a reference names, if the template holds it."""
    return template.named(ROLE, arn, key="Arn")


def rights_of(template: Template, role: Resource) -> Rights:
    """Return what a role may do by the policies that a template gives it."""
    return _rights(template, role.logical_id)


@lru_cache(maxsize=512)
def _rights(template: Template, logical_id: str) -> Rights:
    role = template.resources[logical_id]
    found: list[Statement] = []
    certain = UNNAMED not in _attached(template)
    certain = certain and all(isinstance(role.at(key), (list, type(None))) for key in ("Policies", "ManagedPolicyArns"))
    for part, whole in (*_inline(template, role), *_attached(template).get(logical_id, ()), *_managed(template, role)):
        found += part
        certain = certain and whole
    return Rights(tuple(found), certain, role.at("PermissionsBoundary") is not None)


def _inline(template: Template, role: Resource) -> Iterator[tuple[list[Statement], bool]]:
    listed = role.at("Policies")
    for index, policy in enumerate(listed if isinstance(listed, list) else []):
        document = policy.get("PolicyDocument") if isinstance(policy, dict) else policy
        yield statements_in(role, ("Policies", index, "PolicyDocument"), plain(template, document))


def _managed(template: Template, role: Resource) -> Iterator[tuple[list[Statement], bool]]:
    listed = role.at("ManagedPolicyArns")
    for index, arn in enumerate(listed if isinstance(listed, list) else []):
        policy = template.named(MANAGED, arn, key="ManagedPolicyName")
        if policy is not None:
            yield statements_in(policy, ("PolicyDocument",), plain(template, policy.at("PolicyDocument")))
            continue
        match = AWS_MANAGED.fullmatch(arn) if isinstance(arn, str) else None
        document = None if match is None else managed_policy(match[1])
        yield ([], False) if document is None else statements_in(role, ("ManagedPolicyArns", index), document)


@lru_cache(maxsize=1)
def _attached(template: Template) -> dict[str, list[tuple[list[Statement], bool]]]:
    """By role: the policies that name it; under ``UNNAMED`` those of roles that only a deployment knows."""
    found: dict[str, list[tuple[list[Statement], bool]]] = {}
    for policy in template.of_kind(*POLICIES, ROLE_POLICY):
        roles = [policy.at("RoleName")] if policy.kind == ROLE_POLICY else policy.at("Roles")
        for name in roles if isinstance(roles, list) else [roles]:
            role = template.named(ROLE, name, key="RoleName")
            known = UNNAMED if isinstance(name, Unknown) else None if role is None else role.logical_id
            if known is not None:
                document = plain(template, policy.at("PolicyDocument"))
                found.setdefault(known, []).append(statements_in(policy, ("PolicyDocument",), document))
    return found


def plain(template: Template, value: Any) -> Any:
    """Return a value in which each bucket and topic goes by one name, however it was referred to."""
    if isinstance(value, list):
        return [plain(template, each) for each in value]
    if isinstance(value, dict):
        return {key: plain(template, each) for key, each in value.items()}
    return LINK.sub(lambda match: _name(template, match), value) if isinstance(value, str) else value


def _name(template: Template, match: re.Match[str]) -> str:
    bucket = template.resources.get(match[1])
    if bucket is not None and bucket.kind == TOPIC:
        return link(match[1])
    if bucket is None or bucket.kind != BUCKET:
        return "*" if match.string.startswith((S3, "s3://")) and not match[1].startswith("AWS::") else match[0]
    given = bucket.at("BucketName")
    name = link(match[1]) if given is None else given if isinstance(given, str) else "*"
    return S3 + name if match[2] == "Arn" else name


def may_anywhere(template: Template, role: Resource, action: str) -> bool | None:
    """Return whether a role may do something to anything at all; None where only a deployment knows."""
    return rights_of(template, role).allows(action, "*")
