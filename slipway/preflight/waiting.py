"""Which resources CloudFormation makes before another."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slipway.preflight.resolving import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


def awaited_by(template: Template, resource: Resource) -> set[str]:
    """Return the logical ids of all that a resource waits for, by ``DependsOn`` or by reference, near and far."""
    found: set[str] = set()
    ahead = [resource.logical_id]
    while ahead:
        for name in _before(template, ahead.pop()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return found


@lru_cache(maxsize=4096)
def _before(template: Template, logical_id: str) -> frozenset[str]:
    written = template.document["Resources"].get(logical_id)
    if not isinstance(written, dict):
        return frozenset()
    depends = written.get("DependsOn")
    named = depends if isinstance(depends, list) else [depends]
    referred = _referred(written.get("Properties"))
    return frozenset(name for name in (*named, *referred) if isinstance(name, str) and name in template.resources)


def _referred(value: Any) -> Iterator[str]:
    """Names after Ref, GetAtt and in Sub; without recursion, for whatever depth a template has."""
    ahead = [value]
    while ahead:
        each = ahead.pop()
        if isinstance(each, list):
            ahead += each
        if not isinstance(each, dict):
            continue
        ahead += each.values()
        if isinstance(each.get("Ref"), str):
            yield each["Ref"]
        yield from _named(each.get("Fn::GetAtt"), each.get("Fn::Sub"))


def _named(attribute: Any, text: Any) -> Iterator[str]:
    name = attribute[0] if isinstance(attribute, list) and attribute else attribute
    if isinstance(name, str):
        yield name.partition(".")[0]
    text = text[0] if isinstance(text, list) and text else text
    if isinstance(text, str):
        yield from (variable.partition(".")[0] for variable in VARIABLE.findall(text))
