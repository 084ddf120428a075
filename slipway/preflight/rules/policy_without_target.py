from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import linked
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import OF_COMPONENT, OF_VARIANT, TARGET, place_of
from slipway.preflight.scaling_policies import registering_is_seen, target_of
from slipway.preflight.watching import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template


class PolicyWithoutTarget(Rule):
    """A policy waits for the registered target that it scales."""

    id = "PolicyWithoutTarget"
    severity = Severity.ERROR
    consequence = "PutScalingPolicy is refused (no scalable target registered), and the stack rolls back."
    mend = "name the target by ScalingTargetId: !Ref Target"
    source = "Application Auto Scaling API reference, PutScalingPolicy: ObjectNotFoundException, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies whose target is not registered here, or not before them, though what it scales is here."""
        if not registering_is_seen(template):
            return
        for policy in template.of_kind(POLICY):
            target = target_of(template, policy)
            if target is None:
                yield from _unregistered(template, policy)
            elif not template.references.waits(policy.logical_id, target.resource.logical_id):
                message = f"nothing makes it wait for '{target.resource.logical_id}'"
                yield Violation(policy, _path(policy), message)


def _unregistered(template: Template, policy: Resource) -> Iterator[Violation]:
    named = template.resources.get(linked(policy.at("ScalingTargetId")) or "")
    if named is not None and named.kind != TARGET:
        yield Violation(policy, _path(policy), f"'{named.logical_id}' is no scalable target")
        return
    place = place_of(template, policy, policy.properties)
    scaled = None if place is None else place.endpoint or place.component
    if place is None or scaled is None or _is_registered_by_code(template):
        return
    if OF_VARIANT.fullmatch(place.resource_id or "") or OF_COMPONENT.fullmatch(place.resource_id or ""):
        yield Violation(policy, _path(policy), f"no target here registers '{place.dimension}' of this resource")


def _is_registered_by_code(template: Template) -> bool:
    return any(each.kind.startswith(("Custom::", "AWS::CloudFormation::")) for each in template.resources.values())


def _path(policy: Resource) -> Path:
    return ("ResourceId",) if policy.at("ScalingTargetId") is None else ("ScalingTargetId",)
