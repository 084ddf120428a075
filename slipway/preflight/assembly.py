"""The stacks of a cloud assembly, with those of its stages and the nested ones."""

from __future__ import annotations

import json
import re
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

    Acknowledged = Mapping[str, Mapping[str, str]]

ACKNOWLEDGED: Final = "aws:cdk:acknowledged-rules"
PLUGIN: Final = "slipway"
"""What ``Validations.of(x).acknowledge`` is given before the two colons."""
HASH: Final = re.compile(r"[0-9a-f]{64}")
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
            yield from with_nested(file, _place(artifact["environment"], name), _acknowledged(metadata))


def _place(environment: str, stack: str) -> Place:
    account, _, region = environment.removeprefix("aws://").partition("/")
    known = [None if each.startswith("unknown-") else each for each in (region, account)]
    return Place(known[0], known[1], stack)


def with_nested(file: Path, place: Place, accepted: Acknowledged | None = None, depth: int = 0) -> Iterator[Source]:
    """Yield a stack's template and those of the stacks nested in it.

    Args:
        file: The template, in its assembly.
        place: Where the stack goes.
        accepted: What was acknowledged in the app: reason by rule, by the path of the construct.
            Default: nothing.
        depth: How many stacks there are around it.

    Raises:
        SpecError: If one cannot be read.
    """
    text = read_text(file)
    document = parse_template(text, str(file))
    _acknowledge(document, accepted or {})
    yield Source(str(file), document, place, text)
    resolver = Resolver(document, place)
    for resource in document["Resources"].values() if depth < MOST_NESTED else ():
        if isinstance(resource, dict) and resource.get("Type") == "AWS::CloudFormation::Stack":
            inner = _uploaded(file.parent, resource)
            given = resolver.value(resource.get("Properties", {}).get("Parameters", {}))
            known = {name: value if is_known(value) else UNKNOWN for name, value in given.items()}
            inside = replace(place, stack=None, parameters=known)
            yield from () if inner is None else with_nested(inner, inside, accepted, depth + 1)


def _uploaded(folder: Path, nested: dict[str, Any]) -> Path | None:
    """Return the template of a nested stack: the file whose hash is in its URL, None if it comes from elsewhere."""
    hashes = HASH.findall(json.dumps(nested.get("Properties", {}).get("TemplateURL")))
    files = [_read(folder, assets.name)["files"] for assets in folder.glob("*.assets.json")] if hashes else []
    found = [each[name]["source"]["path"] for each in files for name in hashes if name in each]
    return folder / str(found[0]) if found else None


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


def _acknowledge(document: dict[str, Any], accepted: Acknowledged) -> None:
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
