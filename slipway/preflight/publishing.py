"""Who publishes a metric of hosting, and why there may be no values of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import Metric, instance_types, metrics
from slipway.preflight.hosting import component_named, config_of, endpoint_named, kind_of, variant_named
from slipway.preflight.values import Unknown, is_known

if TYPE_CHECKING:
    from slipway.catalog import InstanceType
    from slipway.preflight.template import Resource, Template, Variant


USUAL: Final = frozenset(name for metric in metrics() for names in metric.dimensions for name in names)


class Fault(Enum):
    """Why a metric has no values; the first that applies."""

    NAME = auto()
    NAMESPACE = auto()
    KIND = auto()
    DIMENSIONS = auto()


@dataclass(frozen=True)
class Source:
    """Who publishes what is watched, as far as the template holds it."""

    endpoint: Resource | None
    config: Resource | None
    variant: Variant | None
    component: Resource | None
    kind: str | None

    @property
    def machine(self) -> InstanceType | None:
        """What the variant runs on."""
        name = None if self.variant is None else self.variant.at("InstanceType")
        return instance_types().get(name) if isinstance(name, str) else None

    @property
    def publishes_more(self) -> bool:
        """Whether the config switches metrics on that the catalogue does not hold."""
        return self.config is not None and isinstance(self.config.at("MetricsConfig"), (dict, Unknown))


def source_of(template: Template, dimensions: dict[str, Any]) -> Source:
    """Return whose values some dimensions pick."""
    component = component_named(template, dimensions.get("InferenceComponentName"))
    name = dimensions.get("EndpointName") if component is None else component.at("EndpointName")
    endpoint = endpoint_named(template, name)
    config = None if endpoint is None else config_of(template, endpoint)
    if config is None:
        return Source(endpoint, None, None, component, None if component is None else "inference-components")
    variant = variant_named(template, config, dimensions.get("VariantName"))
    return Source(endpoint, config, variant, component, kind_of(template, config))


def fault_of(source: Source, name: Any, namespace: Any, dimensions: frozenset[str] | None) -> Fault | None:
    """Return why a metric has no values; None where it has, or where that is not known."""
    if not isinstance(name, str) or not is_known(name) or not isinstance(namespace, str) or source.publishes_more:
        return None
    named = rows().get(name, ())
    if not named:
        return Fault.NAME
    here = [row for row in named if row.namespace == namespace]
    if not here:
        return Fault.NAMESPACE if is_known(namespace) and not _is_of_containers(namespace, dimensions) else None
    if source.config is None and not (dimensions or frozenset()) <= USUAL:
        return None  # an endpoint of another stack, which may publish more
    published = [row for row in here if source.kind is None or source.kind in row.kinds]
    if not published or _is_without_gpus(source, published):
        return Fault.KIND
    # Of which metrics there are values by config AWS does not list: its page names two as examples.
    names = None if dimensions is None else {dimensions, dimensions - {"EndpointConfigName"}}
    known = names is None or any(names & row.dimensions for row in published)
    return None if known else Fault.DIMENSIONS


def metric_of(source: Source, name: Any, namespace: Any, dimensions: frozenset[str] | None) -> Metric | None:
    """Return what the catalogue says of a metric, if it certainly has values."""
    if not isinstance(name, str) or fault_of(source, name, namespace, dimensions) is not None:
        return None
    fitting = [
        row
        for row in rows().get(name, ())
        if row.namespace == namespace
        and dimensions in row.dimensions
        and (source.kind is None or source.kind in row.kinds)
    ]
    return fitting[0] if fitting else None


@cache
def rows() -> dict[str, tuple[Metric, ...]]:
    """The metrics of hosting by name."""
    names = {metric.name for metric in metrics()}
    return {name: tuple(metric for metric in metrics() if metric.name == name) for name in names}


def _is_of_containers(namespace: str, dimensions: frozenset[str] | None) -> bool:
    """Take AWS at its word, whose page on containers writes the namespace of hosts without its slash."""
    return namespace == "aws/sagemaker/Endpoints" and "ContainerName" in (dimensions or frozenset())


def _is_without_gpus(source: Source, published: list[Metric]) -> bool:
    machine = source.machine
    return machine is not None and machine.gpus == 0 and all(row.per == "gpus" for row in published)
