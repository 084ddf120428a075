"""Endpoints on instances that answer at once."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.alarms import Alarms, check_gpu_alarms
from slipway.specs.base import Findings, Keys, Spec
from slipway.specs.fallback import check_fallback
from slipway.specs.front_rules import check_bound
from slipway.specs.machine import check_machine
from slipway.specs.parts import Canary, Capture, Description, Front, Rollout, Variant
from slipway.specs.scaling import AnyScaling, Scaling
from slipway.specs.shadow import Shadow
from slipway.specs.shadow_rules import check_shadow
from slipway.specs.variables import check_variables

MAX_ROLLBACK_ALARMS = 10


class RealtimeEndpointSpec(Spec):
    """A real-time endpoint: up to ten variants that share the traffic by weight."""

    impossible: ClassVar[dict[str, str]] = {
        "model": "a real-time endpoint hosts variants: write it as 'variants: [{name, model, instance_type}]'",
        "containers": "a real-time endpoint's variants have one each: use kind: multi-container, or kind: pipeline",
        "instance_type": "belongs to a variant: move it into 'variants'",
        "instances": "belongs to a variant: move it into 'variants'",
        "environment": "belongs to a variant: move it into 'variants'",
        "routing": "belongs to a variant: move it into 'variants'",
        "fallback": "belongs to a variant: move it into 'variants'",
        "provision_timeout_seconds": "belongs to a variant: move it into 'variants'",
        "startup_timeout_seconds": "belongs to a variant: move it into 'variants'",
        "download_timeout_seconds": "belongs to a variant: move it into 'variants'",
        "volume_gib": "belongs to a variant: move it into 'variants'",
        "memory_mib": "a real-time endpoint runs on instances: choose 'instance_type', or use kind: serverless",
        "max_concurrency": "a real-time endpoint runs on instances: use 'scaling', or kind: serverless",
        "provisioned_concurrency": "a real-time endpoint runs on instances: use 'scaling', or kind: serverless",
        "concurrency": "a real-time endpoint answers at once: remove the key, or use kind: async",
        "results": "a real-time endpoint answers at once: remove the key, or use kind: async",
        "notify": "a real-time endpoint answers at once: remove the key, or use kind: async",
        "outside_vpc": "a real-time endpoint is placed in the environment's network: remove the key",
    }

    kind: Literal["realtime"]
    """On instances that run all the time."""
    description: Description | None = None
    """What it is for, in a sentence."""
    variants: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=10)]
    """At least one, at most ten."""
    shadow: Shadow | None = None
    """Gets copies of requests; absent: nothing is copied."""
    scaling: Scaling | None = None
    """Applies to every variant that has none of its own; absent: fleets keep their size."""
    rollout: Rollout = Canary(strategy="canary")
    """How a new version takes over."""
    alarms: Alarms = Alarms()
    front: Front | None = None
    """Absent: callers use InvokeEndpoint."""
    capture: Capture | None = None
    """Absent: nothing that passes through is kept."""
    network_isolation: bool = True
    """Whether containers are cut off from every network but SageMaker's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        self._check_names(findings)
        self._check_weights(findings)
        self._check_alarms(findings)
        self._check_rollout(findings)
        check_bound(findings, self.front, self.alarms.p99_latency_ms)
        for index, variant in enumerate(self.variants):
            path = ("variants", index)
            check_machine(findings, path, variant, self.rollout, scaled=self.scaling_of(variant) is not None)
            check_fallback(findings, path, variant, self.rollout, scaled=self.scaling_of(variant) is not None)
            check_variables(findings, (*path, "environment"), variant.environment)
            self._check_scaling(findings, index, variant)
        check_gpu_alarms(findings, ("alarms",), self.alarms, (variant.instance_type for variant in self.variants))
        if self.shadow is not None:
            check_shadow(findings, self.shadow, self.variants, self.rollout)
        findings.refuse()
        return self

    def scaling_of(self, variant: Variant) -> AnyScaling | None:
        """Return how a variant is scaled: by its own rule, else by the endpoint's."""
        return self.scaling if variant.scaling is None else variant.scaling

    def hosted_models(self) -> list[tuple[str, str]]:
        """Every model this endpoint hosts, with the path of the key that names it."""
        return [(".".join(map(str, (*path, "model"))), variant.model) for path, variant in self.fleets()]

    def fleets(self) -> list[tuple[Keys, Variant]]:
        """Every fleet, the shadow's last, with the path of what describes it."""
        fleets: list[tuple[Keys, Variant]] = [(("variants", index), one) for index, one in enumerate(self.variants)]
        if self.shadow is not None:
            fleets.append((("shadow",), self.shadow.beside(self.variants[0])))
        return fleets

    def _check_names(self, findings: Findings) -> None:
        seen: set[str] = set()
        for index, variant in enumerate(self.variants):
            if variant.name in seen:
                findings.add(("variants", index, "name"), f"'{variant.name}' is given twice: name each variant apart")
            seen.add(variant.name)

    def _check_weights(self, findings: Findings) -> None:
        if all(variant.weight == 0 for variant in self.variants):
            weights = tuple(("variants", index, "weight") for index in range(len(self.variants)))
            message = "every weight is 0, so that nothing takes requests: give one variant more"
            findings.add(("variants",), message, because=weights)

    def _check_alarms(self, findings: Findings) -> None:
        each = 1 if self.alarms.p99_latency_ms is None else 2
        count = each * len(self.variants)
        if count > MAX_ROLLBACK_ALARMS:
            message = f"{len(self.variants)} variants with {each} alarms each need {count} rollback alarms"
            mend = f"SageMaker takes {MAX_ROLLBACK_ALARMS}: remove variants or this key"
            findings.add(("alarms", "p99_latency_ms"), f"{message}, {mend}", because=(("variants",),))

    def _check_rollout(self, findings: Findings) -> None:
        if self.rollout.strategy == "rolling" and len(self.variants) > 1:
            message = "a rolling update replaces one variant's fleet and there are several: use canary or linear"
            findings.add(("rollout", "strategy"), message, because=(("variants",),))

    def _check_scaling(self, findings: Findings, index: int, variant: Variant) -> None:
        if variant.instances is not None and self.scaling_of(variant) is not None:
            message = "scaling decides the fleet's size: remove the key, or set scaling.instances"
            findings.add(("variants", index, "instances"), message)
