"""Whether a fleet may fall back to other instance types when the preferred one cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.specs.machine import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.base import Findings, Keys
    from slipway.specs.parts import Rollout, Variant


def check_fallback(findings: Findings, path: Keys, variant: Variant, rollout: Rollout, *, scaled: bool) -> None:
    """Find types that could not stand in for the preferred one."""
    preferred = instance_types()[variant.instance_type]
    for index, name in enumerate(variant.fallback):
        other, here = instance_types()[name], (*path, "fallback", index)
        for key, message in refused(other, variant, rollout, scaled=scaled):
            findings.add(here if key == "instance_type" else (*path, key), message, because=(here,))
        for message in _unlike(other, preferred):
            findings.add(here, message, because=((*path, "instance_type"),))


def _unlike(other: InstanceType, preferred: InstanceType) -> Iterator[str]:
    if other.name == preferred.name:
        yield f"'{other.name}' is the preferred type already: remove it"
    elif bool(other.gpus) != bool(preferred.gpus):
        has = "has GPUs" if other.gpus else "has no GPU"
        yield f"'{other.name}' {has}, unlike '{preferred.name}': one model is not built for both"
