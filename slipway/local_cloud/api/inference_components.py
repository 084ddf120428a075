"""Inference components: created on an endpoint without a model of its own, updated, scaled, described, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.local_cloud.component import Component

from .describe import component_summary, describe_component
from .errors import invalid, not_modelled
from .modelled import check_component
from .named import arn
from .sagemaker_lists import listed
from .tags import tag_map

if TYPE_CHECKING:
    from slipway.local_cloud.component_hosting import ComponentHosting
    from slipway.local_cloud.endpoint import Endpoint
    from slipway.local_cloud.places import Place

    from .wire import Answer, Operation

_KIND = "inference-component"


class InferenceComponents:
    """The operations on inference components."""

    def __init__(self, hosting: ComponentHosting) -> None:
        self.hosting = hosting
        self._store = hosting.store

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {
            "CreateInferenceComponent": self.create,
            "DescribeInferenceComponent": self.describe,
            "ListInferenceComponents": self.list,
            "UpdateInferenceComponent": self.update,
            "UpdateInferenceComponentRuntimeConfig": self.resize,
            "DeleteInferenceComponent": self.delete,
        }

    def create(self, place: Place, params: dict[str, Any]) -> Answer:
        """Record a component and start its copies; it answers once it is InService."""
        check_component(params, "CreateInferenceComponent")
        name = params["InferenceComponentName"]
        if name in self._store.at(place).components:
            raise invalid(f'Cannot create already existing inference component "{arn(place, _KIND, name)}".')
        endpoint = self._endpoint(place, params["EndpointName"])
        variant = _variant(endpoint, params.get("VariantName"))
        self._require_model(place, params["Specification"])
        component = Component(
            place,
            name,
            name,
            tag_map(params.get("Tags", [])),
            endpoint_name=endpoint.name,
            variant_name=variant,
            specification=params["Specification"],
            copies=params.get("RuntimeConfig", {}).get("CopyCount", 1),
        )
        self.hosting.create(component)
        return {"InferenceComponentArn": component.arn}

    def describe(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return a component's state."""
        return describe_component(self.component(place, params["InferenceComponentName"]))

    def list(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return components, page by page."""
        wanted = {
            "InferenceComponentStatus": params.get("StatusEquals"),
            "EndpointName": params.get("EndpointNameEquals"),
            "VariantName": params.get("VariantNameEquals"),
        }
        found = [component_summary(component) for component in self._store.at(place).components.values()]
        chosen = [one for one in found if all(value in (None, one[key]) for key, value in wanted.items())]
        return listed("InferenceComponents", params, chosen)

    def update(self, place: Place, params: dict[str, Any]) -> Answer:
        """Start to bring in another specification while the copies of the old one go on answering."""
        check_component(params, "UpdateInferenceComponent")
        component = self._in_service(place, params)
        specification = params.get("Specification", component.specification)
        self._require_model(place, specification)
        component.deployment = params.get("DeploymentConfig", {})
        copies = params.get("RuntimeConfig", {}).get("CopyCount", component.copies)
        self.hosting.update(component, specification, copies)
        return {"InferenceComponentArn": component.arn}

    def resize(self, place: Place, params: dict[str, Any]) -> Answer:
        """Start to change how many copies there are."""
        component = self._in_service(place, params)
        self.hosting.update(component, component.specification, params["DesiredRuntimeConfig"]["CopyCount"])
        return {"InferenceComponentArn": component.arn}

    def delete(self, place: Place, params: dict[str, Any]) -> Answer:
        """Start to delete a component."""
        component = self.component(place, params["InferenceComponentName"])
        if component.status in ("Creating", "Updating", "Deleting"):
            raise invalid(f'Cannot update in-progress inference component "{component.arn}".')
        self.hosting.delete(component)
        return {}

    def component(self, place: Place, name: str) -> Component:
        """Return a component by its name.

        Raises:
            ApiError: If there is none.
        """
        component = self._store.at(place).components.get(name)
        if component is None:
            raise invalid(f'Could not find inference component "{arn(place, _KIND, name)}".')
        return component

    def _in_service(self, place: Place, params: dict[str, Any]) -> Component:
        component = self.component(place, params["InferenceComponentName"])
        if component.status in ("Creating", "Updating", "Deleting"):
            raise invalid(f'Cannot update in-progress inference component "{component.arn}".')
        if component.status != "InService":
            raise invalid(f'Cannot update inference component "{component.arn}" in status {component.status}.')
        return component

    def _endpoint(self, place: Place, name: str) -> Endpoint:
        endpoint = self._store.at(place).endpoints.get(name)
        if endpoint is None:
            raise invalid(f'Could not find endpoint "{arn(place, "endpoint", name)}".')
        if endpoint.fleet is None or endpoint.status != "InService":
            raise invalid(f'Cannot create inference component on endpoint "{endpoint.arn}" that is not InService.')
        return endpoint

    def _require_model(self, place: Place, specification: dict[str, Any]) -> None:
        name, models = specification["ModelName"], self._store.at(place).models
        if name not in models:
            raise invalid(f'Could not find model "{arn(place, "model", name)}".')
        if len(models[name].containers) > 1:
            raise not_modelled("inference components of a model with Containers")


def _variant(endpoint: Endpoint, wanted: str | None) -> str:
    """Return the variant that is meant, which must have no model of its own."""
    variants = {} if endpoint.fleet is None else endpoint.fleet.variants
    name = next(iter(variants)) if wanted is None else wanted
    if name not in variants:
        raise invalid(f'The variant name(s) "{name}" is/are not present within endpoint.')
    if "ModelName" in variants[name].settings:
        raise invalid(
            "Invalid request provided: Inference Components are not supported in this Endpoint. Please make sure this "
            "endpoint can deploy inference components."
        )
    return name
