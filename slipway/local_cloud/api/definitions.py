"""Models and endpoint configurations: created, described, listed, deleted, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.local_cloud.records import EndpointConfig, Model

from .modelled import check_endpoint_config, check_fleet, check_hosted, check_model
from .named import found, new, without_tags
from .sagemaker_lists import listed

if TYPE_CHECKING:
    from slipway.local_cloud.places import Place
    from slipway.local_cloud.records import Store

    from .wire import Answer, Operation


class Definitions:
    """The operations on models and endpoint configurations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {
            "CreateModel": self.create_model,
            "DescribeModel": self.describe_model,
            "ListModels": self.list_models,
            "DeleteModel": self.delete_model,
            "CreateEndpointConfig": self.create_endpoint_config,
            "DescribeEndpointConfig": self.describe_endpoint_config,
            "ListEndpointConfigs": self.list_endpoint_configs,
            "DeleteEndpointConfig": self.delete_endpoint_config,
        }

    def create_model(self, place: Place, params: dict[str, Any]) -> Answer:
        """Record a model whose image and archive this cloud can serve."""
        known = self._store.at(place).models
        model = new(Model, place, params["ModelName"], params, known)
        model.request = check_model(model.request)
        known[model.name] = model
        return {"ModelArn": model.arn}

    def describe_model(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return a model as it was created."""
        model = found(self._store.at(place).models, place, Model, params["ModelName"])
        request = {"EnableNetworkIsolation": False, **without_tags(model.request)}
        return {**request, "ModelArn": model.arn, "CreationTime": model.created}

    def list_models(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return models, page by page."""
        return listed(
            "Models",
            params,
            [
                {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}
                for model in self._store.at(place).models.values()
            ],
        )

    def delete_model(self, place: Place, params: dict[str, Any]) -> Answer:
        """Forget a model; an endpoint that serves it goes on, as on AWS."""
        known = self._store.at(place).models
        del known[found(known, place, Model, params["ModelName"]).name]
        return {}

    def create_endpoint_config(self, place: Place, params: dict[str, Any]) -> Answer:
        """Record an endpoint configuration of known models."""
        records = self._store.at(place)
        check_endpoint_config(params)
        config = new(EndpointConfig, place, params["EndpointConfigName"], params, records.endpoint_configs)
        for variant in (*params["ProductionVariants"], *params.get("ShadowProductionVariants", [])):
            if "ModelName" in variant:
                check_fleet(found(records.models, place, Model, variant["ModelName"]), variant, params)
            variant.setdefault("InitialVariantWeight", 1.0)
        check_hosted(params, records.models)
        records.endpoint_configs[config.name] = config
        return {"EndpointConfigArn": config.arn}

    def describe_endpoint_config(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return an endpoint configuration as it was created."""
        config = self._config(place, params)
        return {
            **without_tags(config.request),
            "EndpointConfigArn": config.arn,
            "CreationTime": config.created,
        }

    def list_endpoint_configs(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return endpoint configurations, page by page."""
        return listed(
            "EndpointConfigs",
            params,
            [
                {"EndpointConfigName": config.name, "EndpointConfigArn": config.arn, "CreationTime": config.created}
                for config in self._store.at(place).endpoint_configs.values()
            ],
        )

    def delete_endpoint_config(self, place: Place, params: dict[str, Any]) -> Answer:
        """Forget an endpoint configuration; an endpoint that serves it goes on, as on AWS."""
        del self._store.at(place).endpoint_configs[self._config(place, params).name]
        return {}

    def _config(self, place: Place, params: dict[str, Any]) -> EndpointConfig:
        known = self._store.at(place).endpoint_configs
        return found(known, place, EndpointConfig, params["EndpointConfigName"])
