"""Whether an instance type exists and allows what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator, Field

from slipway.catalog import InstanceType, instance_types
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.specs.async_endpoint import AsyncEndpointSpec
    from slipway.specs.base import Findings, Keys
    from slipway.specs.containers import ContainersSpec
    from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
    from slipway.specs.parts import Rollout, Variant
    from slipway.specs.servers import ServerSpec

    OnInstances: TypeAlias = Variant | AsyncEndpointSpec | ContainersSpec | MultiModelEndpointSpec

FOR_ANY_MODEL = "use ml.c7i or ml.m7i"


def _known(name: str) -> str:
    if name not in instance_types():
        sold = [name for name, machine in instance_types().items() if machine.regions and not machine.arm64]
        raise refuse(f"is not a hosting type{did_you_mean(name, sold, also=f'ml.{name}')}")
    return name


# Checked as a value and not with the others below, so that it is found beside a misspelt key as well.
HostingType = Annotated[str, AfterValidator(_known), Field(examples=["ml.c7i.xlarge"])]


def check_machine(findings: Findings, path: Keys, variant: OnInstances, rollout: Rollout, *, scaled: bool) -> None:
    """Find what the variant's instance type makes impossible."""
    for key, message in refused(instance_types()[variant.instance_type], variant, rollout, scaled=scaled):
        findings.add((*path, key), message)


def refused(
    machine: InstanceType, variant: OnInstances, rollout: Rollout, *, scaled: bool
) -> Iterator[tuple[str, str]]:
    """Say what a machine makes impossible for a variant, by the key that is to blame."""
    name = f"'{machine.name}'"
    for message in unusable(machine, variant.servers):
        yield "instance_type", message
    if machine.burstable and scaled:
        yield "instance_type", f"{name} is burstable and cannot be scaled: {FOR_ANY_MODEL}, or remove 'scaling'"
    if machine.nvme and variant.volume_gib is not None:
        yield "volume_gib", f"{name} has its own NVMe disk and takes no volume: remove the key"
    if machine.name.startswith("ml.inf1.") and rollout.strategy != "all-at-once":
        # Source: SageMaker falls back silently.
        yield "instance_type", f"{name} cannot be rolled out step by step: write 'rollout: {{strategy: all-at-once}}'"


def unusable(machine: InstanceType, servers: Iterable[ServerSpec]) -> Iterator[str]:
    """Say why servers' images cannot run on a machine, whatever kind of endpoint it is for."""
    if not machine.regions:
        yield f"'{machine.name}' is sold in no region any more: {FOR_ANY_MODEL}"
    names = " and ".join(sorted({server.name for server in servers if not server.on_arm64}))
    if machine.arm64 and names:
        yield f"'{machine.name}' is Graviton and the {names} image is x86-64: {FOR_ANY_MODEL}"
