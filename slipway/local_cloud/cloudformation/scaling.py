"""``AWS::ApplicationAutoScaling::ScalableTarget`` with its scheduled actions, and ``ScalingPolicy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud import ministack_seams as seams

from .calls import call, request, without

if TYPE_CHECKING:
    from slipway.local_cloud.api.autoscaling import AutoScaling
    from slipway.local_cloud.records import ScalableTarget, Store

    from .calls import Created

_SERVICE: Final = "application-autoscaling"
_KEY: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def register(autoscaling: AutoScaling, store: Store) -> None:
    """Make both types known."""
    targets, policies = _Targets(autoscaling, store), _Policies(autoscaling, store)
    seams.add_resource_type(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {"create": targets.create, "update": targets.update, "delete": targets.delete},
        create_only=_KEY,
        name_property=None,
        tags=False,
    )
    seams.add_resource_type(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {"create": policies.create, "update": policies.update, "delete": policies.delete},
        create_only=("PolicyName", "ScalingTargetId", *_KEY),
        name_property=None,
        tags=False,
    )


class _Targets:
    def __init__(self, autoscaling: AutoScaling, store: Store) -> None:
        self._autoscaling = autoscaling
        self._store = store

    def create(self, _logical_id: str, props: dict[str, Any], _stack_name: str) -> Created:
        params = request(_SERVICE, "RegisterScalableTarget", without(props, "ScheduledActions"))
        call(self._autoscaling.register, params)
        for action in props.get("ScheduledActions", []):
            full = {**{name: params[name] for name in _KEY}, **action}
            call(self._autoscaling.put_action, request(_SERVICE, "PutScheduledAction", full))
        return "|".join(params[name] for name in _KEY), {}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
    ) -> Created:
        kept = {action["ScheduledActionName"] for action in new.get("ScheduledActions", [])}
        for action in old.get("ScheduledActions", []):
            name = action["ScheduledActionName"]
            if name not in kept:
                call(self._autoscaling.delete_action, {**_key(physical_id), "ScheduledActionName": name})
        return self.create(logical_id, new, stack_name)

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        key = _key(physical_id)
        if (key["ServiceNamespace"], key["ResourceId"], key["ScalableDimension"]) in _all(self._store):
            call(self._autoscaling.deregister, key)


class _Policies:
    def __init__(self, autoscaling: AutoScaling, store: Store) -> None:
        self._autoscaling = autoscaling
        self._store = store

    def create(self, _logical_id: str, props: dict[str, Any], _stack_name: str) -> Created:
        target = _key(props["ScalingTargetId"]) if "ScalingTargetId" in props else {}
        params = request(_SERVICE, "PutScalingPolicy", {**target, **without(props, "ScalingTargetId")})
        arn = call(self._autoscaling.put_policy, params)["PolicyARN"]
        return arn, {"Arn": arn, "PolicyName": params["PolicyName"]}

    def update(
        self, _physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
    ) -> Created:
        return self.create(logical_id, new, stack_name)

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        for target in _all(self._store).values():
            for name in [name for name, policy in target.policies.items() if policy["PolicyARN"] == physical_id]:
                call(
                    self._autoscaling.delete_policy, {**{key: target.request[key] for key in _KEY}, "PolicyName": name}
                )


def _key(physical_id: str) -> dict[str, str]:
    return dict(zip(_KEY, physical_id.split("|"), strict=True))


def _all(store: Store) -> dict[tuple[str, str, str], ScalableTarget]:
    return dict(store.at(seams.place()).targets)
