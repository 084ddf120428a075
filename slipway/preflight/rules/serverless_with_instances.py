from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import is_serverless
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG
from slipway.preflight.values import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

OF_INSTANCES: Final = (
    *("InstanceType", "InstancePools", "InitialInstanceCount", "VolumeSizeInGB", "ManagedInstanceScaling"),
    *("InferenceAmiVersion", "CapacityReservationConfig"),
)


class ServerlessWithInstances(Rule):
    """A serverless variant is alone and has no instances."""

    id = "ServerlessWithInstances"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "remove what belongs to instances, or ServerlessConfig"
    source = "SageMaker Developer Guide, serverless inference: feature exclusions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find serverless variants with instances, with data capture, or beside others."""
        for config in template.of_kind(CONFIG):
            variants = list(template.variants_of(config))
            for variant in variants:
                if not is_serverless(variant):
                    continue
                for key in OF_INSTANCES:
                    if is_there(variant.at(key)):
                        yield Violation(
                            config, (*variant.path, key), f"'{key}' belongs to instances and the variant is serverless"
                        )
                if len(variants) > 1:
                    yield Violation(
                        config, variant.path, "a serverless variant stands beside another variant and must be alone"
                    )
                if isinstance(config.at("DataCaptureConfig"), dict):
                    yield Violation(config, ("DataCaptureConfig",), "serverless variants cannot capture data")
