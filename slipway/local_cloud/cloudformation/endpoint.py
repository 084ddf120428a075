"""``AWS::SageMaker::Endpoint``: created, updated in place and deleted, each waited for to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.api.tags import tag_map

from .calls import named, request, without

if TYPE_CHECKING:
    from slipway.local_cloud.api.endpoints import Endpoints
    from slipway.local_cloud.endpoint import Endpoint
    from slipway.local_cloud.hosting import Hosting
    from slipway.local_cloud.places import Place

    from .calls import Created

_ON_UPDATE: Final = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")


def register(endpoints: Endpoints, hosting: Hosting) -> None:
    """Make the type known."""
    handlers = _Handlers(endpoints, hosting)
    seams.add_resource_type(
        "AWS::SageMaker::Endpoint",
        {"create": handlers.create, "update": handlers.update, "delete": handlers.delete},
        create_only=("EndpointName",),
        name_property="EndpointName",
        tags=True,
    )


class _Handlers:
    def __init__(self, endpoints: Endpoints, hosting: Hosting) -> None:
        self._endpoints = endpoints
        self._hosting = hosting

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        full = named("EndpointName", logical_id, props, stack_name)
        request("sagemaker", "UpdateEndpoint", without(full, "Tags"))  # what only updates read is checked here too
        params = request("sagemaker", "CreateEndpoint", without(full, *_ON_UPDATE))
        arn = seams.on_loop(self._create(seams.place(), params))
        return arn, {"EndpointName": params["EndpointName"]}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], _stack_name: str, _logical_id: str
    ) -> Created:
        name = seams.on_loop(self._update(seams.place(), physical_id, old, new))
        return physical_id, {"EndpointName": name}

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        seams.on_loop(self._delete(seams.place(), physical_id))

    async def _create(self, place: Place, params: dict[str, Any]) -> str:
        self._endpoints.create_endpoint(place, params)
        endpoint = self._endpoints.endpoint(place, params["EndpointName"])
        try:
            await settle(endpoint)
        except ValueError:
            # CloudFormation knows no id yet, so its rollback could not delete what we leave here.
            await self._delete(place, endpoint.arn)
            raise
        return endpoint.arn

    async def _update(self, place: Place, arn: str, old: dict[str, Any], new: dict[str, Any]) -> str:
        endpoint = self._find(place, arn)
        if endpoint is None:
            raise ValueError(f'Could not find endpoint "{arn}".')
        if new["EndpointConfigName"] != endpoint.config_name:
            params = {**without(new, "Tags"), "EndpointName": endpoint.name}
            self._endpoints.update_endpoint(place, request("sagemaker", "UpdateEndpoint", params))
            await settle(endpoint)
        for key in tag_map(old.get("Tags", [])):
            endpoint.tags.pop(key, None)
        endpoint.tags.update(tag_map(new.get("Tags", [])))
        return endpoint.name

    async def _delete(self, place: Place, arn: str) -> None:
        endpoint = self._find(place, arn)
        if endpoint is None:
            return
        if endpoint.status != "Deleting":
            self._endpoints.require_empty(endpoint)
            self._hosting.delete(endpoint)
        if endpoint.work is not None:
            await asyncio.wait([endpoint.work])

    def _find(self, place: Place, arn: str) -> Endpoint | None:
        endpoints = self._hosting.store.at(place).endpoints.values()
        return next((endpoint for endpoint in endpoints if endpoint.arn == arn), None)


async def settle(endpoint: Endpoint) -> None:
    """Wait until nothing is under way.

    Raises:
        ValueError: With the reason, if it failed.
    """
    if endpoint.work is None:
        return
    work = endpoint.work
    await asyncio.wait([work])
    reason = "the endpoint was deleted meanwhile" if work.cancelled() else work.result()
    if reason is not None:
        raise ValueError(reason)
