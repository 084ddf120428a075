"""What a fleet must offer to the components that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import instance_types
from slipway.specs.machine import FOR_ANY_MODEL, unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.base import Findings
    from slipway.specs.component import Component
    from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec

NEURON: Final = ("ml.inf", "ml.trn")
"""Families whose accelerators the catalogue does not count."""
WORDS: Final = {"cpus": "cores", "accelerators": "accelerators", "memory_mib": "MiB"}
MEND: Final = "use another type, or write less"


def check_fleet(findings: Findings, spec: InferenceComponentsEndpointSpec) -> None:
    """Find what the instance type makes impossible, and components for which the fleet has no room."""
    machine = instance_types()[spec.instance_type]
    for message in _refused(machine, spec):
        findings.add(("instance_type",), message)
    if machine.nvme and spec.volume_gib is not None:
        findings.add(("volume_gib",), f"'{machine.name}' has its own NVMe disk and takes no volume: remove the key")
    fits = [_check_copies(findings, spec, index, machine) for index in range(len(spec.components))]
    if all(fits):
        _check_all(findings, spec, machine)


def check_sleep(findings: Findings, spec: InferenceComponentsEndpointSpec) -> None:
    """Find components that keep a fleet awake which is meant to sleep."""
    for index, component in enumerate(spec.components):
        if spec.instances.min == 0 and component.least_copies > 0:
            message = (
                f"the fleet cannot be switched off while '{component.name}' keeps {_count(component.least_copies)}: "
                "write 1 or more, or give the component 'scaling' with 'copies: {min: 0, ...}'"
            )
            findings.add(("instances", "min"), message, because=(("components", index),))
    if all(component.most_copies == 0 for component in spec.components):
        copies = tuple(("components", index, "copies") for index in range(len(spec.components)))
        message = "no component has a copy, so that nothing answers: give one of them more"
        findings.add(("components",), message, because=copies)


def _refused(machine: InstanceType, spec: InferenceComponentsEndpointSpec) -> Iterator[str]:
    yield from unusable(machine, (component.server for component in spec.components))
    if machine.burstable:
        yield f"'{machine.name}' is burstable and SageMaker cannot scale a fleet of it: {FOR_ANY_MODEL}"
    if machine.name.startswith("ml.inf1."):
        # Source: deployment guardrails exclude Inf1, and components are updated by nothing else.
        yield f"'{machine.name}' cannot be rolled out batch by batch, as components are: {FOR_ANY_MODEL}"


def _room(machine: InstanceType) -> dict[str, float | None]:
    """Return what one instance has, by the key that asks for it; None where the catalogue does not know."""
    neuron = machine.name.startswith(NEURON)
    return {
        "cpus": machine.vcpus,
        "accelerators": None if neuron else machine.gpus,
        "memory_mib": machine.memory_mib,
    }


def _needs(component: Component) -> dict[str, float]:
    return {
        "cpus": 0.0 if component.cpus is None else component.cpus,
        "accelerators": 0.0 if component.accelerators is None else float(component.accelerators),
        "memory_mib": float(component.memory_mib),
    }


def _check_copies(findings: Findings, spec: InferenceComponentsEndpointSpec, index: int, machine: InstanceType) -> bool:
    """Say whether one copy fits into an instance, and all that there may be into the fleet alone."""
    component, path = spec.components[index], ("components", index)
    needs, room = _needs(component), {key: had for key, had in _room(machine).items() if had is not None}
    small = [key for key, had in room.items() if needs[key] > had]
    for key in small:
        message = f"'{machine.name}' has {room[key]:g} {WORDS[key]} and one copy needs {needs[key]:g}: {MEND}"
        findings.add((*path, key), message, because=(("instance_type",),))
    each = min((int(had // needs[key]) for key, had in room.items() if needs[key]), default=_most(spec))
    if small or component.most_copies <= each * spec.instances.max:
        return not small
    bound = ("copies",) if component.scaling is None else ("scaling", "copies", "max")
    message = (
        f"{_count(component.most_copies)} need more than the {spec.instances.max} x '{machine.name}', which hold "
        f"{each} each: write less, or raise 'instances.max'"
    )
    findings.add((*path, *bound), message, because=(("instances", "max"), ("instance_type",)))
    return False


def _most(spec: InferenceComponentsEndpointSpec) -> int:
    # For machines of unknown size: a number that no component passes.
    return max(component.most_copies for component in spec.components)


def _check_all(findings: Findings, spec: InferenceComponentsEndpointSpec, machine: InstanceType) -> None:
    for key, had in _room(machine).items():
        needed = sum(_needs(component)[key] * component.least_copies for component in spec.components)
        if had is not None and needed > had * spec.instances.max:
            message = (
                f"the copies that are always there need {needed:g} {WORDS[key]} together and {spec.instances.max} x "
                f"'{machine.name}' have {had * spec.instances.max:g}: raise it, or keep fewer copies"
            )
            findings.add(("instances", "max"), message, because=(("components",), ("instance_type",)))


def _count(copies: int) -> str:
    return f"{copies} cop{'y' if copies == 1 else 'ies'}"
