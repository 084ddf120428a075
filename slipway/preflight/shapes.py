"""What a template writes, held against what the hosting APIs and CloudFormation accept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from slipway.catalog.limits import ITEM, in_words, shape
from slipway.preflight.rule import Violation
from slipway.preflight.template import CONFIG, MODEL, number
from slipway.preflight.values import Unknown, is_known
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog.limits import Shape
    from slipway.preflight.template import Path, Resource, Template

OWN_RULE: Final = {
    (CONFIG, "ProductionVariants[].InstanceType"): "UnknownInstanceType",
    (CONFIG, "ShadowProductionVariants[].InstanceType"): "UnknownInstanceType",
    (CONFIG, "ProductionVariants[].ServerlessConfig.MemorySizeInMB"): "ServerlessMemory",
    (CONFIG, "ShadowProductionVariants[].ServerlessConfig.MemorySizeInMB"): "ServerlessMemory",
    (
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType",
    ): "PredefinedMetricUnfit",
    (MODEL, "PrimaryContainer.Environment.*"): "VariablesTooLarge",
    (MODEL, "Containers[].Environment.*"): "VariablesTooLarge",
}
"""Properties whose values a rule of their own judges, and says more about."""
FEW: Final = 8
"""Accepted values that a message lists."""
LONGEST: Final = 2048
"""Characters of a text that are matched with a pattern."""
NOUNS: Final = {
    "boolean": "true or false",
    "integer": "a whole number",
    "list": "a list",
    "map": "a mapping",
    "number": "a number",
    "object": "a mapping",
    "text": "a text",
}


class Fault(NamedTuple):
    """One property that is not as it must be, and the rule that it breaks."""

    rule: str
    path: Path
    message: str


_FOUND: WeakKeyDictionary[Template, list[tuple[Resource, Fault]]] = WeakKeyDictionary()


def violations_of(template: Template, rule: str) -> Iterator[Violation]:
    """Yield what breaks one of the rules about shapes; the template is walked once for all of them."""
    if template not in _FOUND:
        _FOUND[template] = list(_faults(template))
    for resource, fault in _FOUND[template]:
        if fault.rule == rule:
            yield Violation(resource, fault.path, fault.message)


def _faults(template: Template) -> Iterator[tuple[Resource, Fault]]:
    for resource in template.resources.values():
        expected = shape(resource.kind)
        for fault in () if expected is None else _of(expected, resource.properties, ()):
            if fault.rule in ("WrongType", "UnknownProperty") or (resource.kind, _general(fault.path)) not in OWN_RULE:
                yield resource, fault


def _general(path: Path) -> str:
    """Write a path without its indices, and with * for the name of a variable."""
    text = "".join("[]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
    return re.sub(r"\.Environment\..*", ".Environment.*", text, flags=re.DOTALL)


def _of(expected: Shape, value: Any, path: Path) -> Iterator[Fault]:
    if not is_known(value):
        return
    if not _fits(expected.kind, value):
        yield Fault("WrongType", path, f"{_noun(value)} is given and {NOUNS[expected.kind]} is accepted")
    elif expected.kind == "object":
        yield from _of_object(expected, value, path)
    elif isinstance(value, (list, dict)):
        yield from _of_many(expected, value, path)
    elif expected.kind in ("integer", "number"):
        if not _within(number(value), expected):
            yield Fault("OutOfRange", path, f"{_shown(value)} is given and {_range(expected)} accepted")
    elif expected.kind == "text":
        yield from _of_text(expected, str(value).lower() if isinstance(value, bool) else str(value), path)


def _fits(kind: str, value: Any) -> bool:
    if kind in ("list", "object"):
        return isinstance(value, list if kind == "list" else dict)
    if kind == "map":  # CloudFormation takes JSON in a text
        return isinstance(value, (dict, str))
    if kind == "text":
        return not isinstance(value, (list, dict))
    if kind == "boolean":
        return str(value).lower() in ("true", "false", "0", "1")
    if isinstance(value, int) and not isinstance(value, bool):  # also one that no float holds
        return True
    found = number(value)
    return found is not None and (kind == "number" or found.is_integer())


def _of_object(expected: Shape, value: dict[Any, Any], path: Path) -> Iterator[Fault]:
    if any(str(key).startswith("Fn::") for key in value):  # a macro writes what is not there yet
        return
    for key in expected.required:
        if key not in value:
            yield Fault("MissingProperty", (*path, key), f"'{key}' is not given and must be")
    for key, inner in value.items():
        if key in expected.members:
            yield from _of(expected.members[key], inner, (*path, key))
        elif expected.members:
            hint = did_you_mean(str(key), expected.members)
            yield Fault("UnknownProperty", (*path, str(key)), f"'{key}' is not a property here{hint}")


def _of_many(expected: Shape, value: list[Any] | dict[Any, Any], path: Path) -> Iterator[Fault]:
    pairs = list(enumerate(value)) if isinstance(value, list) else [(str(key), each) for key, each in value.items()]
    known = sum(not isinstance(each, Unknown) for _, each in pairs)
    too_many = expected.most is not None and known > expected.most
    too_few = expected.least is not None and len(pairs) < expected.least
    if too_many or too_few:
        yield Fault("OutOfRange", path, f"{len(pairs)} are given and {_range(expected)} accepted")
    item = expected.members.get(ITEM)
    for key, each in pairs if item is not None else ():
        yield from _of(item, each, (*path, key))  # type: ignore[arg-type]  # it is not None


def _of_text(expected: Shape, text: str, path: Path) -> Iterator[Fault]:
    if expected.accepted:
        if text not in expected.accepted:
            listed = len(expected.accepted) <= FEW
            refused = f"is given and {', '.join(expected.accepted)} are accepted" if listed else "is not accepted"
            yield Fault("NotAccepted", path, f"'{text[:60]}' {refused}{did_you_mean(text[:60], expected.accepted)}")
    elif not _within(len(text), expected):
        yield Fault("OutOfRange", path, f"{len(text):,} characters are given and {_range(expected)} accepted")
    elif expected.patterns and len(text) <= LONGEST and not any(_matches(each, text) for each in expected.patterns):
        yield Fault("NotAccepted", path, f"'{text[:60]}' is given and {in_words(expected.patterns[0])} is accepted")


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _within(value: float | None, expected: Shape) -> bool:
    if value is None:
        return False
    above = expected.least is None or value >= expected.least
    return above and (expected.most is None or value <= expected.most)


def _range(expected: Shape) -> str:
    if expected.least is None:
        return f"at most {_shown(expected.most)} is"
    if expected.most is None:
        return f"at least {_shown(expected.least)} is"
    return f"{_shown(expected.least)} to {_shown(expected.most)} are"


def _shown(value: Any) -> str:
    return str(value)[:30].removesuffix(".0")


def _noun(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    return f"'{str(value)[:60]}'"
