"""What inference components ask of the machines that they are placed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from slipway.catalog import instance_types
from slipway.preflight.hosting import COMPONENT, config_of, production
from slipway.preflight.template import ENDPOINT, number, value_at
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template, Variant

NEEDS: Final = {
    "NumberOfAcceleratorDevicesRequired": "accelerators",
    "NumberOfCpuCoresRequired": "cores",
    "MinMemoryRequiredInMb": "MiB",
}
UNCOUNTED: Final = ("ml.inf", "ml.trn")
"""Families whose accelerators the catalogue does not count."""


class Placed(NamedTuple):
    """A component, and the variant whose machines it asks for."""

    component: Resource
    variant: Variant


def host_of(template: Template, component: Resource) -> Resource | None:
    """Return the config of the endpoint that a component is placed on, if the template holds both."""
    endpoint = template.named(ENDPOINT, component.at("EndpointName"), key="EndpointName")
    return None if endpoint is None else config_of(template, endpoint)


def placed(template: Template) -> Iterator[Placed]:
    """Yield the components of which the template says on which machines they are."""
    for component in template.of_kind(COMPONENT):
        config = host_of(template, component)
        variants = [] if config is None else production(template, config)
        wanted = component.at("VariantName")
        found = [each for each in variants if wanted is None or (is_known(wanted) and each.at("VariantName") == wanted)]
        if len(found) == 1 and found[0].at("InstancePools") is None:
            yield Placed(component, found[0])


def specifications(component: Resource) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield what a component says of itself, once or for each instance type, and where it stands."""
    one, many = component.at("Specification"), component.at("Specifications")
    if isinstance(one, dict):
        yield ("Specification",), one
    for index, each in enumerate(many if isinstance(many, list) else []):
        if isinstance(each, dict):
            yield ("Specifications", index), each


def needs_of(component: Resource) -> dict[str, float]:
    """Return what one copy surely needs, by the key that says so."""
    asked = {key: number(component.at("Specification", "ComputeResourceRequirements", key)) for key in NEEDS}
    return {key: needed for key, needed in asked.items() if needed is not None}


def room_of(variant: Variant) -> dict[str, float]:
    """Return what one machine of a variant has, by the key that asks for it; nothing that is not known."""
    machine = instance_types().get(str(variant.at("InstanceType")))
    if machine is None:
        return {}
    gpus = None if machine.name.startswith(UNCOUNTED) else machine.gpus
    had = (gpus, machine.vcpus, machine.memory_mib)
    return {key: float(each) for key, each in zip(NEEDS, had, strict=True) if each is not None}


def most_machines(variant: Variant) -> float | None:
    """Return how many machines a variant can grow to; None where that is not known."""
    bounds = variant.at("ManagedInstanceScaling")
    if value_at(bounds, ("Status",)) not in (None, "ENABLED"):
        return None  # a scalable target may raise it
    return number(value_at(bounds, ("MaxInstanceCount",)))
