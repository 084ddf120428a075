"""``AWS::SageMaker::InferenceComponent``: created, updated in place and deleted, each waited for to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.api.tags import tag_map

from .calls import named, request, without
from .endpoint import settle

if TYPE_CHECKING:
    from slipway.local_cloud.api.inference_components import InferenceComponents
    from slipway.local_cloud.component import Component
    from slipway.local_cloud.places import Place

    from .calls import Created

_NAME: Final = "InferenceComponentName"
_PLACE: Final = ("EndpointName", "VariantName", _NAME)
# Properties of the resource that the calls do not know: EndpointArn is another way to say which endpoint is meant.
_NOT_CALLED: Final = ("EndpointArn",)


def register(components: InferenceComponents) -> None:
    """Make the type known."""
    handlers = _Handlers(components)
    seams.add_resource_type(
        "AWS::SageMaker::InferenceComponent",
        {"create": handlers.create, "update": handlers.update, "delete": handlers.delete},
        # Source: CloudFormation's registry names no create-only property of this type.
        create_only=(),
        name_property=_NAME,
        tags=True,
    )


class _Handlers:
    def __init__(self, components: InferenceComponents) -> None:
        self._components = components
        self._hosting = components.hosting

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        full = without(named(_NAME, logical_id, props, stack_name), *_NOT_CALLED)
        # What only updates read is checked here too.
        request("sagemaker", "UpdateInferenceComponent", without(full, "Tags", "EndpointName", "VariantName"))
        params = request("sagemaker", "CreateInferenceComponent", without(full, "DeploymentConfig"))
        arn = seams.on_loop(self._create(seams.place(), params))
        return arn, {"InferenceComponentArn": arn, _NAME: params[_NAME]}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], _stack_name: str, _logical_id: str
    ) -> Created:
        name = seams.on_loop(self._update(seams.place(), physical_id, old, new))
        return physical_id, {"InferenceComponentArn": physical_id, _NAME: name}

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        seams.on_loop(self._delete(seams.place(), physical_id))

    async def _create(self, place: Place, params: dict[str, Any]) -> str:
        self._components.create(place, params)
        component = self._components.component(place, params[_NAME])
        try:
            await settle(component)
        except ValueError:
            # CloudFormation knows no id yet, so its rollback could not delete what we leave here.
            await self._delete(place, component.arn)
            raise
        return component.arn

    async def _update(self, place: Place, arn: str, old: dict[str, Any], new: dict[str, Any]) -> str:
        component = self._find(place, arn)
        if component is None:
            raise ValueError(f'Could not find inference component "{arn}".')
        if moved := [key for key in _PLACE if old.get(key) != new.get(key)]:
            raise ValueError(f"{', '.join(moved)} of inference component {component.name} cannot be changed.")
        # Only what changed: a count that autoscaling decided is left alone.
        changed: dict[str, Any] = {
            key: new[key] for key in ("Specification", "RuntimeConfig") if key in new and new[key] != old.get(key)
        }
        if changed:
            rollout = {"DeploymentConfig": new["DeploymentConfig"]} if "DeploymentConfig" in new else {}
            params: dict[str, Any] = {_NAME: component.name, **changed, **rollout}
            self._components.update(place, request("sagemaker", "UpdateInferenceComponent", params))
            await settle(component)
        for key in tag_map(old.get("Tags", [])):
            component.tags.pop(key, None)
        component.tags.update(tag_map(new.get("Tags", [])))
        return component.name

    async def _delete(self, place: Place, arn: str) -> None:
        component = self._find(place, arn)
        if component is None:
            return
        if component.status != "Deleting":
            self._hosting.delete(component)
        if component.work is not None:
            await asyncio.wait([component.work])

    def _find(self, place: Place, arn: str) -> Component | None:
        known = self._hosting.store.at(place).components.values()
        return next((component for component in known if component.arn == arn), None)
