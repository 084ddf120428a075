"""What a deployment would do to a stack: two templates compared as CloudFormation does, without asking it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.catalog import create_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Resource = dict[str, Any]
Resources = dict[str, Resource]


@dataclass(frozen=True)
class Changes:
    """Resources, each as ``AWS::Type LogicalId``.

    Args:
        added: New in the template.
        changed: Changed in place.
        replaced: Made anew, since a property changed that can only be set once; the former goes afterwards.
        removed: Gone from the template.
        outside: Whether anything besides the resources changed: outputs, parameters, description.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    outside: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.replaced or self.removed or self.outside)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Compare the deployed template with the one to be deployed."""
    before, after = old.get("Resources", {}), new.get("Resources", {})
    both = [name for name in after if name in before]
    differing = {name for name in both if not same(before[name], after[name])}
    replaced = {name for name in differing if _replaces(before[name], after[name])}
    while more := {name for name in set(both) - replaced if _follows(after[name], replaced)}:
        replaced |= more
    touched = {name for name in both if _refers(after[name].get("Properties", {}), replaced)}
    return Changes(
        added=_named(after, after.keys() - before.keys()),
        changed=_named(after, (differing | touched) - replaced),
        replaced=_named(after, replaced),
        removed=_named(before, before.keys() - after.keys()),
        outside=not same(_without_resources(old), _without_resources(new)),
    )


def same(deployed: Any, ours: Any) -> bool:
    """Tell whether CloudFormation would see a difference; it gives templates back in ASCII, with ? for the rest."""
    return bool(deployed == ours) or _text(deployed, _as_ascii) == _text(ours, _as_ascii)


def references(value: Any) -> Iterator[str]:
    """Return the logical ids that a value refers to, by Ref, Fn::GetAtt or Fn::Sub."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else str(inner).split(".")[0]
            else:
                if key == "Fn::Sub":
                    yield from _substituted(inner)
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _substituted(inner: Any) -> Iterator[str]:
    text = inner[0] if isinstance(inner, list) else inner
    for part in str(text).split("${")[1:]:
        yield part.split("}")[0].split(".")[0]


def _replaces(old: Resource, new: Resource) -> bool:
    if old["Type"] != new["Type"]:
        return True
    before, after = old.get("Properties", {}), new.get("Properties", {})
    return any(not same(_dig(before, path), _dig(after, path)) for path in create_only(new["Type"]) or ())


def _follows(resource: Resource, replaced: set[str]) -> bool:
    properties = resource.get("Properties", {})
    return any(_refers(_dig(properties, path), replaced) for path in create_only(resource["Type"]) or ())


def _refers(value: Any, names: set[str]) -> bool:
    return any(name in names for name in references(value))


def _dig(value: Any, path: str) -> Any:
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _named(resources: Mapping[str, Resource], names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(f"{resources[name]['Type']} {name}" for name in names))


def _without_resources(template: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in template.items() if key != "Resources"}


def _text(value: Any, change: Callable[[str], str]) -> str:
    return change(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _as_ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
