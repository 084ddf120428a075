from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class KeyOnNvme(Rule):
    """A key encrypts a volume; the NVMe disk of a machine encrypts itself."""

    id = "KeyOnNvme"
    severity = Severity.WARNING
    consequence = "The disk is not encrypted with this key; older pages say that CreateEndpointConfig is refused."
    mend = "remove KmsKeyId, or choose a type without its own disk"
    source = "botocore 1.43.106, CreateEndpointConfig: KmsKeyId; moto's instance data, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find keys beside such machines."""
        for config in template.of_kind(CONFIG):
            if config.at("KmsKeyId") is None:
                continue
            variants = [each for each in template.variants_of(config) if each.at("ServerlessConfig") is None]
            used = [instance_types().get(str(variant.at("InstanceType"))) for variant in variants]
            named = sorted({machine.name for machine in used if machine is not None and machine.nvme})
            if named:
                yield Violation(
                    config, ("KmsKeyId",), f"'{named[0]}' has its own NVMe disk, which this key does not encrypt"
                )
