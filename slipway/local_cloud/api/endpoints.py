"""Endpoints: created, updated, deleted while others go on, and described at any moment of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.local_cloud.endpoint import Endpoint
from slipway.local_cloud.records import EndpointConfig

from .deployments import check_deployment
from .describe import describe_endpoint, endpoint_summary
from .errors import invalid
from .modelled import check_provisioned
from .named import arn, found
from .sagemaker_lists import listed
from .tags import tag_map

if TYPE_CHECKING:
    from slipway.local_cloud.component import Component
    from slipway.local_cloud.hosting import Hosting
    from slipway.local_cloud.places import Place
    from slipway.local_cloud.variant import Variant

    from .wire import Answer, Operation


class Endpoints:
    """The operations on endpoints."""

    def __init__(self, hosting: Hosting) -> None:
        self._hosting = hosting
        self._store = hosting.store

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {
            "CreateEndpoint": self.create_endpoint,
            "DescribeEndpoint": self.describe_endpoint,
            "ListEndpoints": self.list_endpoints,
            "UpdateEndpoint": self.update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self.update_weights_and_capacities,
            "DeleteEndpoint": self.delete_endpoint,
        }

    def create_endpoint(self, place: Place, params: dict[str, Any]) -> Answer:
        """Record an endpoint and start its servers; it answers once it is InService."""
        config = self._config(place, params)
        check_deployment(params, config)
        name = params["EndpointName"]
        if name in self._store.at(place).endpoints:
            raise invalid(f'Cannot create already existing endpoint "{arn(place, "endpoint", name)}".')
        tags, deployment = tag_map(params.get("Tags", [])), params.get("DeploymentConfig", {})
        endpoint = Endpoint(place, name, config.name, tags, deployment)
        self._hosting.create(endpoint, config)
        return {"EndpointArn": endpoint.arn}

    def describe_endpoint(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return an endpoint's state."""
        return describe_endpoint(self.endpoint(place, params["EndpointName"]))

    def list_endpoints(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return endpoints, page by page."""
        endpoints = self._store.at(place).endpoints.values()
        status = params.get("StatusEquals")
        return listed(
            "Endpoints",
            params,
            [endpoint_summary(endpoint) for endpoint in endpoints if status in (None, endpoint.status)],
        )

    def update_endpoint(self, place: Place, params: dict[str, Any]) -> Answer:
        """Start to bring in another configuration while the old one goes on answering."""
        endpoint = self.endpoint(place, params["EndpointName"])
        config = self._config(place, params)
        check_deployment(params, config)
        _require_in_service(endpoint)
        self._require_deregistered(endpoint, config)
        self._require_room(endpoint, config)
        self._hosting.update(endpoint, config, params)
        return {"EndpointArn": endpoint.arn}

    def update_weights_and_capacities(self, place: Place, params: dict[str, Any]) -> Answer:
        """Change weights and recorded instance counts at once."""
        endpoint = self.endpoint(place, params["EndpointName"])
        _require_in_service(endpoint)
        variants = endpoint.fleet.variants if endpoint.fleet is not None else {}
        for desired in params["DesiredWeightsAndCapacities"]:
            if desired["VariantName"] not in variants:
                raise invalid(f'The variant name(s) "{desired["VariantName"]}" is/are not present within endpoint.')
        for desired in params["DesiredWeightsAndCapacities"]:
            _check_serverless_update(variants[desired["VariantName"]], desired)
        for desired in params["DesiredWeightsAndCapacities"]:
            variant = variants[desired["VariantName"]]
            variant.settings = _with_serverless_update(variant, desired)
            variant.weight = desired.get("DesiredWeight", variant.weight)
            variant.count = desired.get("DesiredInstanceCount", variant.count)
        endpoint.become("InService")
        return {"EndpointArn": endpoint.arn}

    def delete_endpoint(self, place: Place, params: dict[str, Any]) -> Answer:
        """Start to delete an endpoint: requests in flight are answered first."""
        endpoint = self.endpoint(place, params["EndpointName"])
        if endpoint.status in ("Creating", "Updating", "Deleting"):
            raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        self.require_empty(endpoint)
        self._hosting.delete(endpoint)
        return {}

    def endpoint(self, place: Place, name: str) -> Endpoint:
        """Return an endpoint by its name.

        Raises:
            ApiError: If there is none.
        """
        endpoint = self._store.at(place).endpoints.get(name)
        if endpoint is None:
            raise invalid(f'Could not find endpoint "{arn(place, "endpoint", name)}".')
        return endpoint

    def require_empty(self, endpoint: Endpoint) -> None:
        """Refuse to delete an endpoint that has inference components.

        Raises:
            ApiError: If it has.
        """
        if names := [component.name for component in self._components(endpoint)]:
            # The words are a guess; that it is refused is seen in aws/amazon-sagemaker-feedback#49.
            raise invalid(
                f'Cannot delete endpoint "{endpoint.arn}" that hosts inference components: {", ".join(names)}.'
            )

    def _components(self, endpoint: Endpoint) -> list[Component]:
        known = self._store.at(endpoint.place).components.values()
        return [component for component in known if component.endpoint_name == endpoint.name]

    def _require_room(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        """Refuse a config that leaves the endpoint's components without their variant."""
        fleets = {variant["VariantName"] for variant in config.variants if "ModelName" not in variant}
        for component in self._components(endpoint):
            if component.variant_name not in fleets:
                raise invalid(
                    f'Cannot update endpoint "{endpoint.arn}": variant {component.variant_name} hosts inference '
                    f"component {component.name}."
                )

    def _config(self, place: Place, params: dict[str, Any]) -> EndpointConfig:
        known = self._store.at(place).endpoint_configs
        return found(known, place, EndpointConfig, params["EndpointConfigName"])

    def _require_deregistered(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        # The developer guide says that the update fails; the words are remembered, since no page has them.
        after = {variant["VariantName"]: _machines(variant) for variant in config.request["ProductionVariants"]}
        scaled = {resource for _, resource, _ in self._store.at(endpoint.place).targets}
        for name, variant in endpoint.fleet.variants.items() if endpoint.fleet is not None else ():
            changed = after.get(name) != _machines(variant.settings)
            if changed and f"endpoint/{endpoint.name}/variant/{name}" in scaled:
                raise invalid(
                    f'The variant(s) "[{name}]" must be deregistered as a scalable target with AWS Auto Scaling before '
                    "they can be removed or have their instance type updated."
                )


def _machines(settings: dict[str, Any]) -> list[str]:
    """Return the instance types that a variant may be of; none where it is serverless."""
    pools = [pool["InstanceType"] for pool in settings.get("InstancePools", [])]
    return [*([settings["InstanceType"]] if "InstanceType" in settings else []), *pools]


def _require_in_service(endpoint: Endpoint) -> None:
    if endpoint.status in ("Creating", "Updating", "Deleting"):
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if endpoint.status != "InService":
        raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')


def _check_serverless_update(variant: Variant, desired: dict[str, Any]) -> None:
    if "ServerlessConfig" not in variant.settings:
        if "ServerlessUpdateConfig" in desired:
            raise invalid(f"Variant {variant.name} runs on instances and takes no ServerlessUpdateConfig.")
        return
    if "DesiredInstanceCount" in desired:
        raise invalid(f"Variant {variant.name} is serverless and takes no DesiredInstanceCount.")
    check_provisioned(_with_serverless_update(variant, desired)["ServerlessConfig"])


def _with_serverless_update(variant: Variant, desired: dict[str, Any]) -> dict[str, Any]:
    if "ServerlessUpdateConfig" not in desired:
        return variant.settings
    changed = {**variant.settings["ServerlessConfig"], **desired["ServerlessUpdateConfig"]}
    return {**variant.settings, "ServerlessConfig": changed}
