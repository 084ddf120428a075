"""Application Auto Scaling: targets, policies and actions are kept and described; the scaler applies the policies."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud.records import ScalableTarget

from .dimensions import COPIES, check_dimension
from .errors import ApiError, invalid, not_modelled
from .paging import page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.local_cloud.places import Place
    from slipway.local_cloud.records import Store

    from .wire import Answer, Operation

_COMPONENT: Final = re.compile(r"inference-component/([^/]+)")
_VARIANT: Final = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_KEY: Final = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_PAGE: Final = 50


class AutoScaling:
    """The operations on scalable targets, scaling policies and scheduled actions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {
            "RegisterScalableTarget": self.register,
            "DescribeScalableTargets": self.describe_targets,
            "DeregisterScalableTarget": self.deregister,
            "PutScalingPolicy": self.put_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DeleteScalingPolicy": self.delete_policy,
            "PutScheduledAction": self.put_action,
            "DescribeScheduledActions": self.describe_actions,
            "DeleteScheduledAction": self.delete_action,
        }

    def register(self, place: Place, params: dict[str, Any]) -> Answer:
        """Register a variant of an endpoint or an inference component, or change the registration."""
        key = _key(params)
        targets = self._store.at(place).targets
        known = targets[key].request if key in targets else {}
        request = {**known, **params}
        self._check_target(place, request)
        if key not in targets:
            name = place.arn("application-autoscaling", f"scalable-target/{uuid.uuid4().hex[:26]}")
            targets[key] = ScalableTarget({}, time.time(), name)
        targets[key].request = request
        return {"ScalableTargetARN": targets[key].arn}

    def describe_targets(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return registered targets, page by page."""
        ids = params.get("ResourceIds", [])
        found = [
            {"RoleARN": _role(place), **target.request, "CreationTime": target.created, "ScalableTargetARN": target.arn}
            for target in self._targets(place, params)
            if not ids or target.request["ResourceId"] in ids
        ]
        items, rest = page(found, params, _PAGE, "InvalidNextTokenException")
        return {"ScalableTargets": items, **rest}

    def deregister(self, place: Place, params: dict[str, Any]) -> Answer:
        """Forget a target with its policies and actions."""
        self._target(place, params)
        del self._store.at(place).targets[_key(params)]
        return {}

    def put_policy(self, place: Place, params: dict[str, Any]) -> Answer:
        """Keep a policy of a registered target, or change it."""
        _check_policy(params)
        target = self._target(place, params)
        known = target.policies.get(params["PolicyName"], {})
        policy_id = f"{uuid.uuid4()}:resource/{params['ServiceNamespace']}/{params['ResourceId']}"
        made = {
            "PolicyARN": place.arn("autoscaling", f"scalingPolicy:{policy_id}:policyName/{params['PolicyName']}"),
            "CreationTime": time.time(),
        }
        policy = {"PolicyType": "StepScaling", **made, **known, **params}
        target.policies[params["PolicyName"]] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": []}

    def describe_policies(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return policies, page by page."""
        names = params.get("PolicyNames", [])
        found = [
            {**policy, "Alarms": []}
            for target in self._targets(place, params)
            for policy in target.policies.values()
            if not names or policy["PolicyName"] in names
        ]
        items, rest = page(found, params, _PAGE, "InvalidNextTokenException")
        return {"ScalingPolicies": items, **rest}

    def delete_policy(self, place: Place, params: dict[str, Any]) -> Answer:
        """Forget a policy."""
        _remove(self._target(place, params).policies, params["PolicyName"], "scaling policy", params)
        return {}

    def put_action(self, place: Place, params: dict[str, Any]) -> Answer:
        """Keep a scheduled action of a registered target, or change it."""
        target = self._target(place, params)
        known = target.actions.get(params["ScheduledActionName"], {})
        if "Schedule" not in {**known, **params}:
            raise invalid("Schedule must be specified for a new scheduled action")
        name = f"scheduledAction:{uuid.uuid4()}:resource/{params['ServiceNamespace']}/{params['ResourceId']}"
        arn = place.arn("autoscaling", f"{name}:scheduledActionName/{params['ScheduledActionName']}")
        made = {"ScheduledActionARN": arn, "CreationTime": time.time()}
        target.actions[params["ScheduledActionName"]] = {**made, **known, **params}
        return {}

    def describe_actions(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return scheduled actions, page by page."""
        names = params.get("ScheduledActionNames", [])
        found = [
            action
            for target in self._targets(place, params)
            for action in target.actions.values()
            if not names or action["ScheduledActionName"] in names
        ]
        items, rest = page(found, params, _PAGE, "InvalidNextTokenException")
        return {"ScheduledActions": items, **rest}

    def delete_action(self, place: Place, params: dict[str, Any]) -> Answer:
        """Forget a scheduled action."""
        _remove(self._target(place, params).actions, params["ScheduledActionName"], "scheduled action", params)
        return {}

    def _targets(self, place: Place, params: dict[str, Any]) -> Iterable[ScalableTarget]:
        return (
            target
            for target in self._store.at(place).targets.values()
            if all(params.get(name) in (None, target.request[name]) for name in _KEY)
        )

    def _target(self, place: Place, params: dict[str, Any]) -> ScalableTarget:
        target = self._store.at(place).targets.get(_key(params))
        if target is None:
            raise _not_found("scalable target", params)
        return target

    def _check_target(self, place: Place, request: dict[str, Any]) -> None:
        if request["ServiceNamespace"] != "sagemaker":
            raise not_modelled(f"application-autoscaling: ServiceNamespace {request['ServiceNamespace']}")
        self._check_resource(place, request)
        if "MinCapacity" not in request or "MaxCapacity" not in request:
            raise invalid("MinCapacity and MaxCapacity must be specified for a new scalable target")
        if request["MinCapacity"] > request["MaxCapacity"]:
            raise invalid("Maximum capacity cannot be less than minimum capacity")

    def _check_resource(self, place: Place, request: dict[str, Any]) -> None:
        component = _COMPONENT.fullmatch(request["ResourceId"])
        if component is not None and request["ScalableDimension"] == COPIES:
            if component[1] not in self._store.at(place).components:
                raise invalid(f"The inference component of {request['ResourceId']} was not found")
            return
        match = _VARIANT.fullmatch(request["ResourceId"])
        if match is None or not request["ScalableDimension"].startswith("sagemaker:variant:"):
            raise not_modelled(f"application-autoscaling: {request['ScalableDimension']} of {request['ResourceId']}")
        endpoint = self._store.at(place).endpoints.get(match[1])
        if endpoint is None or endpoint.fleet is None or match[2] not in endpoint.fleet.variants:
            raise invalid(f"The endpoint and variant of {request['ResourceId']} were not found or are not in service")
        check_dimension(request, endpoint.fleet.variants[match[2]])


def _check_policy(params: dict[str, Any]) -> None:
    kind = params.get("PolicyType", "StepScaling")
    if kind == "PredictiveScaling":
        raise not_modelled("application-autoscaling: PolicyType PredictiveScaling")
    if f"{kind}PolicyConfiguration" not in params:
        raise invalid(f"PolicyType {kind} must be accompanied by {kind}PolicyConfiguration")


def _key(params: dict[str, Any]) -> tuple[str, str, str]:
    return params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"]


def _role(place: Place) -> str:
    path = "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
    return f"arn:aws:iam::{place.account}:{path}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def _remove(known: dict[str, Any], name: str, what: str, params: dict[str, Any]) -> None:
    if name not in known:
        raise _not_found(f"{what} {name}", params)
    del known[name]


def _not_found(what: str, params: dict[str, Any]) -> ApiError:
    where = f"service namespace: {params['ServiceNamespace']}, resource ID: {params['ResourceId']}"
    return ApiError(
        "ObjectNotFoundException",
        f"No {what} found for {where}, scalable dimension: {params['ScalableDimension']}",
    )
