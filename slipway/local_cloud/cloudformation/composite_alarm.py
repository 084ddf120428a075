"""``AWS::CloudWatch::CompositeAlarm``: the emulator has the alarms, not the resource type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.aws import client

from .calls import named, request, without

if TYPE_CHECKING:
    from .calls import Created


def register(url: str) -> None:
    """Make the type known.

    Args:
        url: Where this cloud answers.
    """
    handlers = _Handlers(url)
    seams.add_resource_type(
        "AWS::CloudWatch::CompositeAlarm",
        {"create": handlers.create, "update": handlers.update, "delete": handlers.delete},
        create_only=("AlarmName",),
        name_property="AlarmName",
        tags=True,
    )


class _Handlers:
    def __init__(self, url: str) -> None:
        self._url = url

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        # CloudFormation's own tags come by another way than the request, which refuses them.
        tags = [tag for tag in props.get("Tags", []) if not tag["Key"].startswith("aws:")]
        full = named(
            "AlarmName", logical_id, {**without(props, "Tags"), **({"Tags": tags} if tags else {})}, stack_name
        )
        return self._put(request("cloudwatch", "PutCompositeAlarm", full))

    def update(
        self, physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str, _logical_id: str
    ) -> Created:
        # PutCompositeAlarm takes tags for new alarms alone.
        return self._put(request("cloudwatch", "PutCompositeAlarm", {**without(new, "Tags"), "AlarmName": physical_id}))

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        self._cloudwatch().delete_alarms(AlarmNames=[physical_id])

    def _put(self, params: dict[str, Any]) -> Created:
        name, cloudwatch = params["AlarmName"], self._cloudwatch()
        cloudwatch.put_composite_alarm(**params)
        [found] = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        return name, {"Arn": found["AlarmArn"]}

    def _cloudwatch(self) -> Any:
        return client(self._url, seams.place(), "cloudwatch")
