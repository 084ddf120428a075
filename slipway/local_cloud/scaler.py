"""Application Auto Scaling at work: policies change how many instances or copies there are, from published metrics.

Scheduled actions are kept and never act. One process serves for all instances of a variant, so that a larger fleet
answers no faster here; a fleet of none has no process at all.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from . import ministack_cloudwatch as cloudwatch
from .alarms import MINUTE_SECONDS, breaches, state_of
from .scaling_policies import stepped_capacity, tracked_capacity, tracking_alarms

if TYPE_CHECKING:
    from .alarms import Alarms
    from .component import Component
    from .component_hosting import ComponentHosting
    from .places import Place
    from .records import Records, ScalableTarget, Store

_log = logging.getLogger("slipway.local_cloud")
_COMPONENT: Final = re.compile(r"inference-component/([^/]+)")
_VARIANT: Final = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_COOLDOWN_SECONDS: Final = 300
_PROVISIONED: Final = "sagemaker:variant:DesiredProvisionedConcurrency"


class Scaled(Protocol):
    """What a target scales: a variant, or the copies of an inference component."""

    name: str
    settings: dict[str, Any]
    count: int


class Copies:
    """The copies of an inference component, as something that is scaled; to set ``count`` begins the change."""

    def __init__(self, component: Component, hosting: ComponentHosting) -> None:
        self.name = component.variant_name
        self.settings: dict[str, Any] = {}
        self._component = component
        self._hosting = hosting

    @property
    def count(self) -> int:
        """How many there shall be."""
        return self._component.copies

    @count.setter
    def count(self, copies: int) -> None:
        self._hosting.update(self._component, self._component.specification, copies)


class Scaler:
    """Applies the policies of every registered variant in service.

    Args:
        store: Holds targets and endpoints.
        components: Changes how many copies an inference component has.
        alarms: Judge the metrics that policies track.
        minute_seconds: How long a minute of a cooldown takes here.
    """

    def __init__(
        self, store: Store, components: ComponentHosting, alarms: Alarms, minute_seconds: float = MINUTE_SECONDS
    ) -> None:
        self._store = store
        self._components = components
        self._alarms = alarms
        self._minute_seconds = minute_seconds
        self._acted: dict[tuple[str, str], float] = {}

    def scale_all(self) -> None:
        """Look at every target once."""
        for place, records in self._store.by_place():
            for target in list(records.targets.values()):
                scaled = self._scaled(records, target.request["ResourceId"])
                if scaled is not None:
                    self._scale(place, target, scaled)

    def _scaled(self, records: Records, resource_id: str) -> Scaled | None:
        """Return what a target is about, None where it is not in service."""
        if (match := _COMPONENT.fullmatch(resource_id)) is not None:
            component = records.components.get(match[1])
            in_service = component is not None and component.status == "InService"
            return Copies(component, self._components) if component is not None and in_service else None
        match = _VARIANT.fullmatch(resource_id)
        endpoint = None if match is None else records.endpoints.get(match[1])
        if match is None or endpoint is None or endpoint.fleet is None or endpoint.status != "InService":
            return None
        return endpoint.fleet.variants.get(match[2])

    def _scale(self, place: Place, target: ScalableTarget, variant: Scaled) -> None:
        before = capacity_of(target, variant)
        wanted = self._track(place, target, variant, before)
        for policy in _policies(target, "StepScaling"):
            wanted = self._step(place, target, policy, before, wanted)
        if wanted == before:
            return
        wanted = min(max(wanted, target.request["MinCapacity"]), target.request["MaxCapacity"])
        if wanted == before or target.request.get("SuspendedState", {}).get(_suspended(before, wanted), False):
            return
        self._acted[target.arn, _direction(before, wanted)] = time.monotonic()
        _log.info("%s in %s: from %s to %s", target.request["ResourceId"], place, before, wanted)
        _change(target, variant, wanted)

    def _track(self, place: Place, target: ScalableTarget, variant: Scaled, before: int) -> int:
        policies = _policies(target, "TargetTrackingScaling")
        asked = [self._tracked(place, target, policy, variant, before) for policy in policies]
        return max(asked, default=before)  # one policy is enough to grow; all of them must agree to shrink

    def _tracked(
        self, place: Place, target: ScalableTarget, policy: dict[str, Any], variant: Scaled, before: int
    ) -> int:
        alarms = tracking_alarms(policy, target.request["ResourceId"].split("/")[1], variant.name)
        if alarms is None:
            return before
        settings = policy["TargetTrackingScalingPolicyConfiguration"]
        values = self._breaching(place, alarms[0])
        if values and self._rested(target, "out", settings.get("ScaleOutCooldown")):
            return max(before, tracked_capacity(before, values[0], settings["TargetValue"]))
        values = [] if settings.get("DisableScaleIn", False) or before == 0 else self._breaching(place, alarms[1])
        if values and self._rested(target, "in", settings.get("ScaleInCooldown")):
            return min(before, tracked_capacity(before, max(values), settings["TargetValue"]))
        return before

    def _breaching(self, place: Place, alarm: dict[str, Any]) -> list[float]:
        """Return the datapoints of an alarm that would ring now, the newest first; none of one that would not."""
        values = self._alarms.datapoints(place, alarm)
        return [value for value in values if value is not None] if state_of(alarm, values) == "ALARM" else []

    def _step(self, place: Place, target: ScalableTarget, policy: dict[str, Any], before: int, wanted: int) -> int:
        for alarm in self._ringing_for(place, policy):
            value = self._alarms.datapoints(place, alarm)[0]
            if value is None or not breaches(alarm, value):
                continue
            asked = stepped_capacity(before, policy, value - alarm["Threshold"])
            cooldown = policy["StepScalingPolicyConfiguration"].get("Cooldown")
            if asked != before and self._rested(target, _direction(before, asked), cooldown):
                wanted = max(wanted, asked) if asked > before else min(wanted, asked)
        return wanted

    def _ringing_for(self, place: Place, policy: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            alarm
            for where, alarm in cloudwatch.alarms()
            if where == place
            and alarm["StateValue"] == "ALARM"
            and alarm.get("ActionsEnabled", True)
            and policy["PolicyARN"] in alarm["AlarmActions"]
        ]

    def _rested(self, target: ScalableTarget, direction: str, cooldown_seconds: int | None) -> bool:
        """Tell whether the last change that way is long enough ago: AWS, too, acts at most once a minute."""
        minutes = (_COOLDOWN_SECONDS if cooldown_seconds is None else cooldown_seconds) / MINUTE_SECONDS
        last = self._acted.get((target.arn, direction))
        return last is None or time.monotonic() - last >= max(1.0, minutes) * self._minute_seconds


def capacity_of(target: ScalableTarget, variant: Scaled) -> int:
    """Return what a target scales: instances, or the containers that a serverless variant keeps warm."""
    if target.request["ScalableDimension"] == _PROVISIONED:
        return int(variant.settings["ServerlessConfig"].get("ProvisionedConcurrency", 0))
    return variant.count


def _policies(target: ScalableTarget, kind: str) -> list[dict[str, Any]]:
    return [policy for policy in target.policies.values() if policy["PolicyType"] == kind]


def _change(target: ScalableTarget, variant: Scaled, capacity: int) -> None:
    if target.request["ScalableDimension"] == _PROVISIONED:
        serverless = {**variant.settings["ServerlessConfig"], "ProvisionedConcurrency": capacity}
        variant.settings = {**variant.settings, "ServerlessConfig": serverless}
    else:
        variant.count = capacity


def _direction(before: int, after: int) -> str:
    return "out" if after > before else "in"


def _suspended(before: int, after: int) -> str:
    return f"DynamicScaling{_direction(before, after).capitalize()}Suspended"
