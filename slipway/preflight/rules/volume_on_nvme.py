from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class VolumeOnNvme(Rule):
    """A machine with its own NVMe disk takes no volume."""

    id = "VolumeOnNvme"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "remove VolumeSizeInGB, or choose a type without its own disk"
    source = "SageMaker Developer Guide, host instance storage volumes; moto's instance data, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find volumes beside such machines."""
        for variant in template.variants():
            machine = instance_types().get(str(variant.at("InstanceType")))
            if machine is not None and machine.nvme and variant.at("VolumeSizeInGB") is not None:
                message = f"'{machine.name}' has its own NVMe disk and takes no volume"
                yield Violation(variant.config, (*variant.path, "VolumeSizeInGB"), message)
