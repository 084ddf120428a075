"""A deployed template without its scaling: the first of two deployments."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from slipway.operations.changes import references, same
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.operations.changes import Resource

Template = dict[str, Any]

CONFIG: Final = "AWS::SageMaker::EndpointConfig"
TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY: Final = "AWS::ApplicationAutoScaling::ScalingPolicy"


def blocked_variants(deployed: Template, wanted: Template) -> dict[str, str]:
    """Return the scaled variants of a deployed stack that SageMaker would refuse to change, each with the reason.

    "If the update would change the instance type for any model that is a target for automatic scaling, the update
    fails" (SageMaker's developer guide, "Update endpoints that use auto scaling"). CloudFormation deletes what a
    template no longer has after it updated the rest, so that taking the target out in the same deployment is no help.
    """
    before, after = _machines(deployed), _machines(wanted)
    found = {}
    for target in _of_type(deployed, TARGET).values():
        variant = _variant(target)
        if variant is None or variant not in before:
            continue
        if variant not in after:
            found[variant] = f"variant {variant} is scaled, and goes"
        elif before[variant] != after[variant]:
            found[variant] = f"variant {variant} is scaled, and moves from {before[variant]} to {after[variant]}"
    return found


def without_scaling(deployed: Template, wanted: Template) -> Template:
    """Return what is deployed, less its scalable targets and policies; nothing else changes.

    Endpoint and endpoint config stay as they are, so that no fleet is touched and each keeps the size that scaling
    gave it. Alarms that called a policy stay too, and call nobody meanwhile.

    Args:
        deployed: As CloudFormation gives it back.
        wanted: What the second deployment brings; where it differs only in letters that CloudFormation gave back as ?,
            its own are taken.

    Raises:
        HostError: If something besides alarms needs the scaling.
    """
    first = copy.deepcopy(_respelt(deployed, wanted))
    gone = {*_of_type(first, TARGET), *_of_type(first, POLICY)}
    resources = {name: resource for name, resource in first["Resources"].items() if name not in gone}
    for resource in resources.values():
        _forget(resource, gone)
    first["Resources"] = resources
    needed = sorted({name for name in references([resources, first.get("Outputs", {})]) if name in gone})
    if needed:
        raise HostError(f"scaling cannot be put aside, since the rest of the stack refers to {', '.join(needed)}")
    return first


def _respelt(deployed: Template, wanted: Template) -> Template:
    known = wanted.get("Resources", {})
    resources = {
        name: known[name] if name in known and same(resource, known[name]) else resource
        for name, resource in deployed["Resources"].items()
    }
    return {**deployed, "Resources": resources}


def _forget(resource: Resource, gone: set[str]) -> None:
    """Take references to what is gone out of every list of a resource."""
    waits = resource.get("DependsOn", [])
    left = [name for name in ([waits] if isinstance(waits, str) else waits) if name not in gone]
    if left:
        resource["DependsOn"] = left
    else:
        resource.pop("DependsOn", None)
    for owner, key in list(_lists(resource)):
        owner[key] = [item for item in owner[key] if not _is_reference(item, gone)]


def _lists(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, list) and not key.startswith("Fn::"):
                yield value, key
            yield from _lists(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _lists(inner)


def _is_reference(item: Any, gone: set[str]) -> bool:
    return isinstance(item, dict) and item.keys() in ({"Ref"}, {"Fn::GetAtt"}) and set(references(item)) <= gone


def _machines(template: Template) -> dict[str, str]:
    """What each variant runs on, by its name."""
    return {
        variant["VariantName"]: _machine(variant)
        for config in _of_type(template, CONFIG).values()
        for variant in config["Properties"]["ProductionVariants"]
    }


def _machine(variant: Mapping[str, Any]) -> str:
    pools = [str(pool.get("InstanceType")) for pool in variant.get("InstancePools", ())]
    return " or ".join([str(variant["InstanceType"])] if "InstanceType" in variant else pools) or "serverless"


def _variant(target: Resource) -> str | None:
    kind, _, rest = str(target["Properties"]["ResourceId"]).partition("/")
    _, _, variant = rest.partition("/variant/")
    return variant or None if kind == "endpoint" else None


def _of_type(template: Template, kind: str) -> dict[str, Resource]:
    return {name: resource for name, resource in template.get("Resources", {}).items() if resource["Type"] == kind}
