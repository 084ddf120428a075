from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class VolumeNotEncrypted(Rule):
    """The volumes of an endpoint are encrypted with a customer's key."""

    id = "VolumeNotEncrypted"
    severity = Severity.WARNING
    consequence = "They are encrypted with a key that nobody can audit or revoke."
    mend = "set KmsKeyId, unless the machines have NVMe disks of their own"
    source = "AWS Config, sagemaker-endpoint-configuration-kms-key-configured, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs without a key."""
        for config in template.of_kind(CONFIG):
            used = [instance_types().get(str(variant.at("InstanceType"))) for variant in template.variants_of(config)]
            if config.at("KmsKeyId") is None and any(machine is not None and not machine.nvme for machine in used):
                yield Violation(config, ("KmsKeyId",), "no key is given")
