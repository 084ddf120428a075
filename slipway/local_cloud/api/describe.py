"""An endpoint in the words of DescribeEndpoint and ListEndpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.local_cloud.component import Component
    from slipway.local_cloud.endpoint import Endpoint
    from slipway.local_cloud.variant import Variant


def endpoint_summary(endpoint: Endpoint) -> dict[str, Any]:
    """Return what ListEndpoints says of an endpoint."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }


def describe_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Return what DescribeEndpoint says of an endpoint."""
    answer = {**endpoint_summary(endpoint), "EndpointConfigName": endpoint.config_name}
    if endpoint.failure_reason is not None:
        answer["FailureReason"] = endpoint.failure_reason
    if endpoint.deployment:
        answer["LastDeploymentConfig"] = endpoint.deployment
    if endpoint.fleet is not None:
        answer["ProductionVariants"] = [_variant(variant, endpoint) for variant in endpoint.fleet.variants.values()]
        if endpoint.fleet.shadow is not None:
            answer["ShadowProductionVariants"] = [_variant(endpoint.fleet.shadow, endpoint)]
        answer |= _data_capture(endpoint.fleet.config.request)
        if "AsyncInferenceConfig" in endpoint.fleet.config.request:
            answer["AsyncInferenceConfig"] = endpoint.fleet.config.request["AsyncInferenceConfig"]
    if endpoint.pending is not None:
        answer["PendingDeploymentSummary"] = {"EndpointConfigName": endpoint.pending.name}
    return answer


def _variant(variant: Variant, endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": endpoint.modified}
            for image in (container.image for container in variant.containers)
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": variant.count,
    }
    if "ServerlessConfig" in variant.settings:
        answer["CurrentServerlessConfig"] = variant.settings["ServerlessConfig"]
    if "ManagedInstanceScaling" in variant.settings:
        answer["ManagedInstanceScaling"] = variant.settings["ManagedInstanceScaling"]
    if "InstancePools" in variant.settings:
        answer["InstancePools"] = _pools(variant)
    return answer


def _pools(variant: Variant) -> list[dict[str, Any]]:
    """Return the pools of a variant: this machine never lacks capacity, so that the first one is all of the fleet."""
    pools = sorted(variant.settings["InstancePools"], key=lambda pool: int(pool["Priority"]))
    return [
        {"InstanceType": pool["InstanceType"], "CurrentInstanceCount": 0 if number else variant.count}
        for number, pool in enumerate(pools)
    ]


def component_summary(component: Component) -> dict[str, Any]:
    """Return what ListInferenceComponents says of a component."""
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "InferenceComponentStatus": component.status,
        "EndpointName": component.endpoint_name,
        "EndpointArn": component.place.arn("sagemaker", f"endpoint/{component.endpoint_name.lower()}"),
        "VariantName": component.variant_name,
        "CreationTime": component.created,
        "LastModifiedTime": component.modified,
    }


def describe_component(component: Component) -> dict[str, Any]:
    """Return what DescribeInferenceComponent says of a component."""
    answer = {
        **component_summary(component),
        "Specification": component.specification,
        "RuntimeConfig": {"DesiredCopyCount": component.copies, "CurrentCopyCount": component.current_copies},
    }
    if component.failure_reason is not None:
        answer["FailureReason"] = component.failure_reason
    if component.deployment:
        answer["LastDeploymentConfig"] = component.deployment
    return answer


def _data_capture(request: dict[str, Any]) -> dict[str, Any]:
    capture = request.get("DataCaptureConfig")
    if capture is None:
        return {}
    enabled = capture.get("EnableCapture", False)
    summary = {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
    return {"DataCaptureConfig": summary}
