"""Resources of a template as the requests that CloudFormation makes of them, for botocore's shapes to judge."""

from __future__ import annotations

from typing import Any, Final

from slipway.local_cloud.cloudformation.calls import request

ARN: Final = "arn:aws:iam::111122223333:role/a-role"
TOPIC: Final = "arn:aws:sns:eu-west-1:111122223333:a-topic"
# What CloudFormation names itself where the template does not, by type: service, operation, the name's key.
OPERATIONS: Final[dict[str, tuple[str, str, str]]] = {
    "AWS::SageMaker::Model": ("sagemaker", "CreateModel", "ModelName"),
    "AWS::SageMaker::EndpointConfig": ("sagemaker", "CreateEndpointConfig", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "UpdateEndpoint", "EndpointName"),
    "AWS::SageMaker::InferenceComponent": ("sagemaker", "CreateInferenceComponent", "InferenceComponentName"),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", "RegisterScalableTarget", ""),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("application-autoscaling", "PutScalingPolicy", ""),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm", "AlarmName"),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch", "PutCompositeAlarm", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "PutDashboard", "DashboardName"),
}
# Members that only CloudFormation has; what they hold is asked for elsewhere, or is no part of the request.
ELSEWHERE: Final = {
    "AWS::SageMaker::Endpoint": ("Tags",),
    "AWS::SageMaker::InferenceComponent": ("DeploymentConfig",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ScheduledActions",),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("ScalingTargetId",),
}
TARGET: Final = {
    "ResourceId": "endpoint/an-endpoint/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ServiceNamespace": "sagemaker",
}


def check_requests(template: dict[str, Any]) -> int:
    """Check every resource that has an operation here.

    Returns:
        How many were checked.

    Raises:
        ApiError: With what botocore's shape forbids.
    """
    resources = [each for each in template["Resources"].values() if each["Type"] in OPERATIONS]
    topics = {name for name, each in template["Resources"].items() if each["Type"] == "AWS::SNS::Topic"}
    for resource in resources:
        _check(resource["Type"], _resolved(resource.get("Properties", {}), topics))
    return len(resources)


def _check(kind: str, props: dict[str, Any]) -> None:
    service, operation, name = OPERATIONS[kind]
    given = {key: value for key, value in props.items() if key not in ELSEWHERE.get(kind, ())}
    defaults = {name: "a-name"} if name else {}
    if kind.endswith("ScalingPolicy"):
        defaults = TARGET
    request(service, operation, {**defaults, **given})
    if "DeploymentConfig" in ELSEWHERE.get(kind, ()):
        request(service, "UpdateInferenceComponent", {key: props[key] for key in (name, "DeploymentConfig")})
    for action in props.get("ScheduledActions", []):
        request(service, "PutScheduledAction", {key: given[key] for key in TARGET} | action)


def _resolved(value: Any, topics: set[str]) -> Any:
    """Put something of the right shape wherever only a deployment knows the value."""
    if isinstance(value, list):
        return [_resolved(each, topics) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        word, inner = next(iter(value.items()))
        if word == "Fn::GetAtt":
            return ARN if str(inner[-1]).endswith("Arn") else "a-name"
        if word == "Fn::Join":
            return str(inner[0]).join(map(str, _resolved(inner[1], topics)))
        if word in ("Ref", "Fn::Sub", "Fn::ImportValue"):
            return TOPIC if inner in topics else _known(str(inner))
    return {key: _resolved(each, topics) for key, each in value.items()}


def _known(name: str) -> str:
    if name.startswith("AWS::"):
        return {"AWS::Partition": "aws", "AWS::AccountId": "111122223333"}.get(name, "eu-west-1")
    return ARN if "Arn" in name else "a-name"
