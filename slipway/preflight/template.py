"""A template as rules see it: resources with their functions resolved, and how to find one from another."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.looping import expanded
from slipway.preflight.pseudo import Place
from slipway.preflight.references import References
from slipway.preflight.resolving import Resolver
from slipway.preflight.values import LINK, UNKNOWN, Named, Unknown, is_known

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
        construct: The path of the CDK construct that made it, if one did.
    """

    logical_id: str
    kind: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    construct: str | None = None

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
        place: The same, with all else that is known of it; instead of ``region``.
    """

    def __init__(self, document: dict[str, Any], *, region: str | None = None, place: Place | None = None) -> None:
        place = Place(region) if place is None else place
        self.region = place.region
        document = expanded(document, place)
        self.document = document
        self.references = References(document)
        self._written = document["Resources"]
        resolver = Resolver(document, place)
        self.resources = {
            logical_id: resource
            for logical_id, written in document["Resources"].items()
            if (resource := _resource(str(logical_id), written, resolver)) is not None
        }
        self._by_kind: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            self._by_kind.setdefault(resource.kind, []).append(resource)
        self._by_name: dict[tuple[str, str], dict[str, Resource]] = {}

    def is_certain(self, resource: Resource) -> bool:
        """Return whether a resource is deployed whatever the parameters are: it has no condition."""
        written = self._written.get(resource.logical_id)
        return isinstance(written, dict) and "Condition" not in written

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
        if isinstance(name, Named):
            return self._names(kind, key).get(name.name)
        if not isinstance(name, str):
            return None
        match = LINK.fullmatch(name)
        if match is not None:
            found = self.resources.get(match[1])
            return found if found is not None and found.kind == kind else None
        return self._names(kind, key).get(name)

    def given_names(self, kind: str, key: str) -> list[str]:
        """Return the names that resources of a type were given, and that are known."""
        return [name for name in self._names(kind, key) if is_known(name)]

    def _names(self, kind: str, key: str) -> dict[str, Resource]:
        if (kind, key) not in self._by_name:
            given = [(each.at(key), each) for each in self.of_kind(kind)]
            self._by_name[kind, key] = {
                name.name if isinstance(name, Named) else name: each
                for name, each in given
                if isinstance(name, (Named, str))
            }
        return self._by_name[kind, key]


def _resource(logical_id: str, written: Any, resolver: Resolver) -> Resource | None:
    if not isinstance(written, dict) or not isinstance(written.get("Type"), str):
        return None
    if resolver.condition(written.get("Condition")) is False:
        return None
    properties = resolver.value(written.get("Properties", {}))
    is_hidden = isinstance(properties, Unknown)
    metadata = value_at(written.get("Metadata"), ("slipway",))
    construct = value_at(written.get("Metadata"), ("aws:cdk:path",))
    return Resource(
        logical_id,
        written["Type"],
        properties if isinstance(properties, dict) else {"Fn::Transform": properties} if is_hidden else {},
        metadata if isinstance(metadata, dict) else {},
        construct if isinstance(construct, str) else None,
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
    """Return a finite number that may be written as text, as templates do; None for anything else."""
    is_text = isinstance(value, str) and NUMBER.fullmatch(value)
    if isinstance(value, bool) or not (isinstance(value, (int, float)) or is_text):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
