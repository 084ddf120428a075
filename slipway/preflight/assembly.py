"""The stacks of a cloud assembly, with those of its stages and the nested ones."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.pseudo import Place
from slipway.preflight.reading import parse_template, read_text
from slipway.preflight.resolving import Resolver
from slipway.preflight.source import Source
from slipway.preflight.values import UNKNOWN, is_known
from slipway.specs.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ACKNOWLEDGED: Final = "aws:cdk:acknowledged-rules"
PLUGIN: Final = "slipway"
"""What ``Validations.of(x).acknowledge`` is given before the two colons."""
MOST_NESTED: Final = 8


def stacks_of(folder: Path) -> Iterator[Source]:
    """Yield every stack that a cloud assembly deploys; resources carry what was acknowledged in the app.

    Args:
        folder: What ``cdk synth`` wrote.

    Raises:
        SpecError: If it is no cloud assembly.
    """
    try:
        yield from _stacks_of(folder)
    except (AttributeError, KeyError, TypeError):
        raise _refusal(folder, "is no cloud assembly that we know: its manifest.json has another form") from None


def _stacks_of(folder: Path) -> Iterator[Source]:
    for artifact in _read(folder, "manifest.json")["artifacts"].values():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks_of(folder / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            metadata = dict(artifact.get("metadata", {}))
            if "additionalMetadataFile" in artifact:
                metadata |= _read(folder, artifact["additionalMetadataFile"])
            file = folder / properties["templateFile"]
            name = properties.get("stackName", file.name.split(".")[0])
            yield from _with_nested(file, _place(artifact["environment"], name), _acknowledged(metadata), 0)


def _place(environment: str, stack: str) -> Place:
    account, _, region = environment.removeprefix("aws://").partition("/")
    known = [None if each.startswith("unknown-") else each for each in (region, account)]
    return Place(known[0], known[1], stack)


def _with_nested(file: Path, place: Place, accepted: Mapping[str, Mapping[str, str]], depth: int) -> Iterator[Source]:
    text = read_text(file)
    document = parse_template(text, str(file))
    _acknowledge(document, accepted)
    yield Source(str(file), document, place, text)
    resolver = Resolver(document, place)
    for resource in document["Resources"].values() if depth < MOST_NESTED else ():
        if isinstance(resource, dict) and resource.get("Type") == "AWS::CloudFormation::Stack":
            asset = resource.get("Metadata", {}).get("aws:asset:path")
            given = resolver.value(resource.get("Properties", {}).get("Parameters", {}))
            known = {name: value if is_known(value) else UNKNOWN for name, value in given.items()}
            inside = replace(place, stack=None, parameters=known)
            yield from () if asset is None else _with_nested(file.with_name(asset), inside, accepted, depth + 1)


def _acknowledged(metadata: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return reason by rule, by the path of the construct it was said of."""
    found: dict[str, dict[str, str]] = {}
    for path, entries in metadata.items():
        for entry in entries:
            for rule, reason in entry["data"].items() if entry["type"] == ACKNOWLEDGED else ():
                plugin, _, name = rule.partition("::")
                if plugin == PLUGIN:
                    found.setdefault(path.strip("/"), {})[name] = reason
    return found


def _acknowledge(document: dict[str, Any], accepted: Mapping[str, Mapping[str, str]]) -> None:
    """Write what was said of a construct into the resources below it, the nearest reason last."""
    for resource in document["Resources"].values() if accepted else ():
        metadata = resource.setdefault("Metadata", {})
        steps = str(metadata.get("aws:cdk:path", "")).split("/")
        above = [accepted.get("/".join(steps[:end]), {}) for end in range(len(steps) + 1)]
        reasons = {rule: reason for each in above for rule, reason in each.items()}
        ours = metadata.setdefault("slipway", {})
        ours["acknowledge"] = {**reasons, **ours.get("acknowledge", {})}


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / name).read_bytes())
    except (OSError, ValueError):
        raise _refusal(folder, f"is no cloud assembly: its {name} cannot be read") from None
    return content


def _refusal(folder: Path, message: str) -> SpecError:
    return SpecError([Problem(str(folder), 0, "", message)])
