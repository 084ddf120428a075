"""Whether a variant's instance type exists and allows what the variant asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import InstanceType, instance_types
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.base import Findings, Keys
    from slipway.specs.parts import Rollout, Variant

FOR_ANY_MODEL = "use ml.c7i or ml.m7i"


def check_machine(findings: Findings, path: Keys, variant: Variant, rollout: Rollout, *, scaled: bool) -> None:
    """Find what the variant's instance type makes impossible."""
    machine = instance_types().get(variant.instance_type)
    for key, message in _unknown(variant) if machine is None else _refused(machine, variant, rollout, scaled=scaled):
        findings.add((*path, key), message)


def _unknown(variant: Variant) -> Iterator[tuple[str, str]]:
    sold = [name for name, machine in instance_types().items() if machine.regions and not machine.arm64]
    hint = did_you_mean(variant.instance_type, sold, also=f"ml.{variant.instance_type}")
    yield "instance_type", f"'{variant.instance_type}' is not a hosting type{hint}"


def _refused(machine: InstanceType, variant: Variant, rollout: Rollout, *, scaled: bool) -> Iterator[tuple[str, str]]:
    name = f"'{machine.name}'"
    if not machine.regions:
        yield "instance_type", f"{name} is sold in no region any more: {FOR_ANY_MODEL}"
    if machine.arm64:
        yield "instance_type", f"{name} is Graviton and the {variant.server} image is x86-64: {FOR_ANY_MODEL}"
    if machine.burstable and scaled:
        yield "instance_type", f"{name} is burstable and cannot be scaled: {FOR_ANY_MODEL}, or remove 'scaling'"
    if machine.nvme and variant.volume_gib is not None:
        yield "volume_gib", f"{name} has its own NVMe disk and takes no volume: remove the key"
    if machine.name.startswith("ml.inf1.") and rollout.strategy != "all-at-once":
        # Source: SageMaker falls back silently.
        yield "instance_type", f"{name} cannot be rolled out step by step: write 'rollout: {{strategy: all-at-once}}'"
