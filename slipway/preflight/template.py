"""A template as rules see it: resources with their functions resolved, and how to find one from another."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.resolving import Resolver
from slipway.preflight.values import LINK, UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
CONFIG: Final = "AWS::SageMaker::EndpointConfig"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"
MODEL: Final = "AWS::SageMaker::Model"
NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,4})?", re.ASCII)
VARIANTS: Final = ("ProductionVariants", "ShadowProductionVariants")


@dataclass(frozen=True)
class Resource:
    """One resource that is, or may be, deployed.

    Args:
        logical_id: Its key in the template.
        kind: Its type.
        properties: Resolved.
        metadata: What stands under ``Metadata: {slipway: …}``, as it was written.
    """

    logical_id: str
    kind: str
    properties: dict[str, Any]
    metadata: dict[str, Any]

    @property
    def acknowledged(self) -> dict[str, str]:
        """Reason by rule, from ``Metadata: {slipway: {acknowledge: …}}``."""
        accepted = self.metadata.get("acknowledge")
        return {str(rule): str(why) for rule, why in accepted.items()} if isinstance(accepted, dict) else {}

    def at(self, *path: str | int) -> Any:
        """Return a property: None where it is absent, ``UNKNOWN`` where only a deployment knows."""
        return value_at(self.properties, path)


@dataclass(frozen=True)
class Variant:
    """One variant of an endpoint config, and where it stands."""

    config: Resource
    path: Path
    settings: dict[str, Any]
    shadow: bool

    def at(self, *path: str | int) -> Any:
        """Return a setting: None where it is absent, ``UNKNOWN`` where only a deployment knows."""
        return value_at(self.settings, path)


def value_at(value: Any, path: Path) -> Any:
    """Follow keys and indices down; None where the way ends, ``UNKNOWN`` where it cannot be seen."""
    for key in path:
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


class Template:
    """A template, resolved.

    Args:
        document: As it was read.
        region: Where it is meant to be deployed.
            Default: rules about regions find nothing.
    """

    def __init__(self, document: dict[str, Any], *, region: str | None = None) -> None:
        self.region = region
        self.document = document
        resolver = Resolver(document, region=region)
        self.resources = {
            logical_id: resource
            for logical_id, written in document["Resources"].items()
            if (resource := _resource(str(logical_id), written, resolver)) is not None
        }
        self._by_kind: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            self._by_kind.setdefault(resource.kind, []).append(resource)
        self._by_name: dict[tuple[str, str], dict[str, Resource]] = {}

    def of_kind(self, *kinds: str) -> list[Resource]:
        """Return every resource of these types."""
        return [resource for kind in kinds for resource in self._by_kind.get(kind, [])]

    def variants(self) -> Iterator[Variant]:
        """Yield every variant of every endpoint config, shadows too."""
        for config in self.of_kind(CONFIG):
            yield from self.variants_of(config)

    def variants_of(self, config: Resource) -> Iterator[Variant]:
        """Yield the variants of one config, shadows last."""
        for key in VARIANTS:
            listed = config.at(key)
            for index, settings in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(settings, dict):
                    yield Variant(config, (key, index), settings, key != VARIANTS[0])

    def named(self, kind: str, name: Any, *, key: str) -> Resource | None:
        """Return the resource of a type that a value names, by reference or by the name that it was given.

        Args:
            kind: Its type.
            name: The value, resolved.
            key: The property that holds a given name.
        """
        if not isinstance(name, str):
            return None
        match = LINK.fullmatch(name)
        if match is not None:
            found = self.resources.get(match[1])
            return found if found is not None and found.kind == kind else None
        return self._names(kind, key).get(name)

    def _names(self, kind: str, key: str) -> dict[str, Resource]:
        if (kind, key) not in self._by_name:
            given = {each.at(key): each for each in self.of_kind(kind) if isinstance(each.at(key), str)}
            self._by_name[kind, key] = given
        return self._by_name[kind, key]


def _resource(logical_id: str, written: Any, resolver: Resolver) -> Resource | None:
    if not isinstance(written, dict) or not isinstance(written.get("Type"), str):
        return None
    if resolver.condition(written.get("Condition")) is False:
        return None
    properties = resolver.value(written.get("Properties", {}))
    is_hidden = isinstance(properties, Unknown)
    metadata = value_at(written.get("Metadata"), ("slipway",))
    return Resource(
        logical_id,
        written["Type"],
        properties if isinstance(properties, dict) else {"Fn::Transform": properties} if is_hidden else {},
        metadata if isinstance(metadata, dict) else {},
    )


def containers(model: Resource) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every container of a model, and where it stands."""
    primary, others = model.at("PrimaryContainer"), model.at("Containers")
    if isinstance(primary, dict):
        yield ("PrimaryContainer",), primary
    for index, container in enumerate(others if isinstance(others, list) else []):
        if isinstance(container, dict):
            yield ("Containers", index), container


def number(value: Any) -> float | None:
    """Return a number that may be written as text, as templates do; None for anything else."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, (int, float)) and not (isinstance(value, str) and NUMBER.fullmatch(value)):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return -math.inf if str(value).startswith("-") else math.inf
