"""What of a SageMaker request this cloud does; everything else is refused by name, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud.hosts import HOSTS, host_of

from .errors import invalid, not_modelled

if TYPE_CHECKING:
    from slipway.local_cloud.records import Model

_CONTAINER: Final = {"Image", "ModelDataUrl", "ModelDataSource", "Environment", "ContainerHostname"} | {
    "Mode",
    "MultiModelConfig",
}
_MODEL: Final = {"ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "Tags", "VpcConfig"} | {
    "EnableNetworkIsolation",
    "InferenceExecutionConfig",
}
_CONFIG: Final = {
    "EndpointConfigName",
    "ProductionVariants",
    "ShadowProductionVariants",
    "DataCaptureConfig",
    "Tags",
    "KmsKeyId",
} | {
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
    "AsyncInferenceConfig",
}
_ASYNC_OUTPUT: Final = {"S3OutputPath", "S3FailurePath", "KmsKeyId", "NotificationConfig"}
_VARIANT: Final = {
    "VariantName",
    "ModelName",
    "InitialInstanceCount",
    "InstanceType",
    "InitialVariantWeight",
    "ServerlessConfig",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "RoutingConfig",
    "InferenceAmiVersion",
    "EnableSSMAccess",
    "ManagedInstanceScaling",
    "InstancePools",
    "VariantInstanceProvisionTimeoutInSeconds",
}
_SPECIFICATION: Final = {"ModelName", "StartupParameters", "ComputeResourceRequirements", "SchedulingConfig"}


def check_model(params: dict[str, Any]) -> dict[str, Any]:
    """Return a ``CreateModel`` request; one container that is alone is its PrimaryContainer.

    Raises:
        ApiError: If it asks for what this cloud does not do.
    """
    only(params, _MODEL, "CreateModel")
    if "PrimaryContainer" in params and params.get("Containers"):
        raise invalid("You must provide either a PrimaryContainer or Containers, not both.")
    containers = [params["PrimaryContainer"]] if "PrimaryContainer" in params else params.get("Containers", [])
    if not containers:
        raise invalid("You must provide either a PrimaryContainer or at least one entry in Containers.")
    for container in containers:
        _check_container(container)
    direct = params.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
    if len(containers) > 1:
        _check_hostnames([container.get("ContainerHostname") for container in containers], direct=direct)
        return params
    if direct:
        raise invalid("InferenceExecutionConfig: Mode Direct needs more than one entry in Containers.")
    alone = ("Containers", "InferenceExecutionConfig")
    return {
        **{name: value for name, value in params.items() if name not in alone},
        "PrimaryContainer": containers[0],
    }


def _check_hostnames(names: list[str | None], *, direct: bool) -> None:
    named = [name for name in names if name is not None]
    if len(named) < len(names) and (direct or named):
        why = "with InferenceExecutionConfig Mode Direct" if direct else "where one of them has it"
        raise invalid(f"ContainerHostname must be specified for every entry in Containers {why}.")
    if len(set(named)) < len(named):
        raise invalid("Containers: each must have its own ContainerHostname.")


def _check_container(container: dict[str, Any]) -> None:
    only(container, _CONTAINER, "CreateModel: a container")
    image = container.get("Image")
    if host_of(str(image)) is None:
        known = ", ".join(host.images for host in HOSTS)
        raise invalid(f"image {image!r} is not modelled here: only {known} runs without Docker")
    if container.get("Mode") == "MultiModel":
        _check_folder(container)
    elif "MultiModelConfig" in container:
        raise invalid("MultiModelConfig is supported for containers with Mode MultiModel alone.")
    else:
        _check_model_data(container)


def _check_folder(container: dict[str, Any]) -> None:
    if "ModelDataSource" in container:
        raise invalid("ModelDataSource is not supported for containers with Mode MultiModel.")
    if not container.get("ModelDataUrl", "").endswith("/"):
        raise invalid("ModelDataUrl of a container with Mode MultiModel must be an S3 prefix that ends with '/'.")


def check_fleet(model: Model, variant: dict[str, Any], config: dict[str, Any]) -> None:
    """Refuse a multi-model model where SageMaker hosts none.

    Args:
        model: Of the variant.
        variant: Of the config.
        config: A ``CreateEndpointConfig`` request.

    Raises:
        ApiError: If it is one, there.
    """
    if all(container.get("Mode") != "MultiModel" for container in model.containers.values()):
        return
    if "ServerlessConfig" in variant:
        raise invalid("Multi-model endpoints are not supported for serverless variants.")
    if config.get("ShadowProductionVariants"):
        raise invalid("ShadowProductionVariants are not supported for multi-model endpoints.")
    if "AsyncInferenceConfig" in config:
        raise not_modelled("CreateEndpointConfig: AsyncInferenceConfig with a multi-model endpoint")


def _check_model_data(container: dict[str, Any]) -> None:
    if ("ModelDataUrl" in container) == ("ModelDataSource" in container):
        raise not_modelled("CreateModel: a container without exactly one of ModelDataUrl and ModelDataSource")
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    forms = (("S3Object", "Gzip"), ("S3Prefix", "None"))
    if source is not None and (source["S3DataType"], source["CompressionType"]) not in forms:
        raise not_modelled(f"CreateModel: S3DataType {source['S3DataType']} with {source['CompressionType']}")
    if "ModelDataSource" in container and source is None:
        raise invalid("ModelDataSource must have an S3DataSource")


def check_endpoint_config(params: dict[str, Any]) -> None:
    """Refuse a ``CreateEndpointConfig`` request that asks for what this cloud does not do.

    Raises:
        ApiError: If it does.
    """
    only(params, _CONFIG, "CreateEndpointConfig")
    shadows = params.get("ShadowProductionVariants", [])
    names = [variant["VariantName"] for variant in (*params["ProductionVariants"], *shadows)]
    if len(set(names)) < len(names):
        raise invalid("Duplicate variant names found: each production variant must have its own name.")
    for variant in params["ProductionVariants"]:
        _check_variant(variant)
    if sum(variant.get("InitialVariantWeight", 1.0) for variant in params["ProductionVariants"]) <= 0:
        raise invalid("The sum of all variant weights must be greater than 0.")
    _check_component_fleet(params)
    if shadows:
        _check_shadow(params["ProductionVariants"], shadows)
    if "AsyncInferenceConfig" in params:
        _check_async(params)


def _check_shadow(variants: list[dict[str, Any]], shadows: list[dict[str, Any]]) -> None:
    if (len(variants), len(shadows)) != (1, 1):
        raise invalid("ShadowProductionVariants: exactly one production variant and one shadow variant are supported.")
    _check_variant(shadows[0])
    if "ServerlessConfig" in variants[0] or "ServerlessConfig" in shadows[0]:
        raise invalid("ShadowProductionVariants are not supported for serverless endpoints.")
    if shadows[0].get("InitialVariantWeight", 1.0) > variants[0].get("InitialVariantWeight", 1.0):
        raise not_modelled("CreateEndpointConfig: a shadow variant that weighs more than its production variant")


def _check_async(params: dict[str, Any]) -> None:
    where, output = "CreateEndpointConfig: AsyncInferenceConfig", params["AsyncInferenceConfig"]["OutputConfig"]
    only(output, _ASYNC_OUTPUT, f"{where}: OutputConfig")
    only(output.get("NotificationConfig", {}), {"SuccessTopic", "ErrorTopic"}, f"{where}: NotificationConfig")
    if "S3OutputPath" not in output:
        raise not_modelled(f"{where}: OutputConfig without S3OutputPath")
    if "DataCaptureConfig" in params:
        raise not_modelled(f"{where} with DataCaptureConfig")
    if params.get("ShadowProductionVariants"):
        raise invalid("ShadowProductionVariants are not supported with AsyncInferenceConfig.")
    if len(params["ProductionVariants"]) > 1:
        raise invalid("An endpoint with AsyncInferenceConfig must have exactly one production variant.")
    if "ServerlessConfig" in params["ProductionVariants"][0]:
        raise invalid("AsyncInferenceConfig is not supported for serverless variants.")


def _check_variant(variant: dict[str, Any]) -> None:
    only(variant, _VARIANT, "CreateEndpointConfig: ProductionVariants")
    if "ManagedInstanceScaling" in variant and "ModelName" in variant:
        raise invalid(f"Variant {variant['VariantName']}: ManagedInstanceScaling is only for inference components.")
    _check_pools(variant)
    serverless = "ServerlessConfig" in variant
    if serverless in ("InstanceType" in variant or "InstancePools" in variant, "InitialInstanceCount" in variant):
        raise invalid(
            f"Variant {variant['VariantName']}: specify either ServerlessConfig, or InstanceType and "
            "InitialInstanceCount."
        )
    check_provisioned(variant.get("ServerlessConfig", {}))


def check_hosted(params: dict[str, Any], models: dict[str, Model]) -> None:
    """Refuse models of several containers where SageMaker hosts models of one alone.

    Args:
        params: A ``CreateEndpointConfig`` request.
        models: All that it names, by name.

    Raises:
        ApiError: If it does.
    """
    shadows = params.get("ShadowProductionVariants", [])
    for variant in (*params["ProductionVariants"], *shadows):
        if "ModelName" not in variant or len(models[variant["ModelName"]].containers) == 1:
            continue
        if "ServerlessConfig" in variant:
            raise invalid(f"Variant {variant['VariantName']} is serverless: models with Containers are not supported.")
        if shadows:
            raise invalid("ShadowProductionVariants are not supported for models with Containers.")
        if "AsyncInferenceConfig" in params:
            raise not_modelled("CreateEndpointConfig: AsyncInferenceConfig for a model with Containers")


def _check_pools(variant: dict[str, Any]) -> None:
    pools = variant.get("InstancePools", [])
    if pools and "InstanceType" in variant:
        raise invalid(f"Variant {variant['VariantName']}: specify either InstanceType or InstancePools.")
    for key in ("InstanceType", "Priority"):
        if len({pool[key] for pool in pools}) < len(pools):
            raise invalid(f"Variant {variant['VariantName']}: each of the InstancePools must have its own {key}.")
    if any("ModelNameOverride" in pool for pool in pools):
        raise not_modelled("CreateEndpointConfig: InstancePools with ModelNameOverride")


def _check_component_fleet(params: dict[str, Any]) -> None:
    """Refuse a fleet for inference components that SageMaker refuses."""
    modelless = ["ModelName" not in variant for variant in params["ProductionVariants"]]
    if any(modelless) != all(modelless):
        raise invalid("Either all of the ProductionVariants have a ModelName, or none of them.")
    if any(modelless) and ("ExecutionRoleArn" not in params):
        raise invalid("ExecutionRoleArn is required for an endpoint that hosts inference components.")
    for key in ("AsyncInferenceConfig", "ShadowProductionVariants"):
        if any(modelless) and key in params:
            raise not_modelled(f"CreateEndpointConfig: inference components with {key}")
    if any(modelless) and any("ServerlessConfig" in variant for variant in params["ProductionVariants"]):
        raise invalid("Inference components are not supported for serverless variants.")
    if not any(modelless) and "EnableNetworkIsolation" in params:
        raise invalid("EnableNetworkIsolation is only supported for endpoints that host inference components.")


def check_component(params: dict[str, Any], operation: str) -> None:
    """Refuse an inference component that asks for what this cloud does not do.

    Args:
        params: A ``CreateInferenceComponent`` or ``UpdateInferenceComponent`` request.
        operation: Its name.

    Raises:
        ApiError: If it does.
    """
    if "Specifications" in params:
        raise not_modelled(f"{operation}: Specifications, one for each instance type")
    specification = params.get("Specification")
    if specification is None:
        if operation == "CreateInferenceComponent":
            raise invalid("Specification is required.")
        return
    only(specification, _SPECIFICATION, f"{operation}: Specification")
    for key in ("ModelName", "ComputeResourceRequirements"):
        if key not in specification:
            raise not_modelled(f"{operation}: a Specification without {key}")


def check_provisioned(config: dict[str, Any]) -> None:
    """Refuse a ``ServerlessConfig`` that keeps more warm than it lets in.

    Raises:
        ApiError: If it does.
    """
    if config.get("ProvisionedConcurrency", 0) > config.get("MaxConcurrency", 0):
        raise invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")


def only(params: dict[str, Any], modelled: set[str], where: str) -> None:
    """Refuse members of a request that this cloud does not do.

    Raises:
        ApiError: If there are any.
    """
    if unknown := sorted(set(params) - modelled):
        raise not_modelled(f"{where}: {', '.join(unknown)}")
