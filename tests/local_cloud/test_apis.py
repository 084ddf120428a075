from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import IMAGE, ROLE, refusal

if TYPE_CHECKING:
    from slipway.local_cloud import Cloud
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

URL = "s3://models/model.tar.gz"
CONTAINER = {"Image": IMAGE, "ModelDataUrl": URL}
VARIANT = {"VariantName": "main", "ModelName": "seven", "InitialInstanceCount": 1, "InstanceType": "ml.c7i.xlarge"}
NOT_MODELLED = "is not modelled in Slipway's local cloud"


def source(kind: str, compression: str) -> dict[str, Any]:
    return {"S3DataSource": {"S3Uri": URL, "S3DataType": kind, "CompressionType": compression}}


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("create_model", {}, "Value 'null' at 'modelName' failed to satisfy constraint: Member must not be null"),
        ("create_model", {"ModelName": "a_b"}, "Member must satisfy regular expression pattern"),
        ("create_model", {"ModelName": "a" * 64}, "Member must have length less than or equal to 63"),
        ("create_model", {"ModelName": 1}, "Member must be of type string"),
        ("create_model", {"ModelName": "a"}, "You must provide either a PrimaryContainer"),
        (
            "create_model",
            {"ModelName": "a", "PrimaryContainer": CONTAINER, "Containers": [CONTAINER]},
            "either a PrimaryContainer or Containers, not both",
        ),
        (
            "create_model",
            {"ModelName": "a", "Containers": [CONTAINER] * 2, "InferenceExecutionConfig": {"Mode": "Direct"}},
            "ContainerHostname must be specified for every entry in Containers with InferenceExecutionConfig Mode",
        ),
        (
            "create_model",
            {"ModelName": "a", "Containers": [CONTAINER, {**CONTAINER, "ContainerHostname": "b"}]},
            "ContainerHostname must be specified for every entry in Containers where one of them has it",
        ),
        (
            "create_model",
            {"ModelName": "a", "Containers": [{**CONTAINER, "ContainerHostname": "b"}] * 2},
            "each must have its own ContainerHostname",
        ),
        (
            "create_model",
            {"ModelName": "a", "Containers": [CONTAINER], "InferenceExecutionConfig": {"Mode": "Direct"}},
            "Mode Direct needs more than one entry in Containers",
        ),
        (
            "create_model",
            {"ModelName": "a", "Containers": [CONTAINER] * 16},
            "at 'containers' failed to satisfy constraint: Member must have length less than or equal to 15",
        ),
        (
            "create_model",
            {"ModelName": "a", "PrimaryContainer": {**CONTAINER, "Image": "triton:1"}},
            f"image 'triton:1' is not modelled here: only {IMAGE}, sagemaker-tritonserver, ",
        ),
        (
            "create_model",
            {"ModelName": "a", "PrimaryContainer": {**CONTAINER, "MultiModelConfig": {}}},
            "MultiModelConfig is supported for containers with Mode MultiModel alone",
        ),
        ("create_model", {"ModelName": "a", "PrimaryContainer": {"Image": IMAGE}}, NOT_MODELLED),
        (
            "create_model",
            {"ModelName": "a", "PrimaryContainer": {"Image": IMAGE, "ModelDataSource": source("S3Prefix", "Gzip")}},
            NOT_MODELLED,
        ),
        (
            "describe_model",
            {"ModelName": "x"},
            'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/x"',
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": []},
            "length greater than or equal",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": [{**VARIANT, "InstanceType": "ml.none.large"}]},
            "at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": [VARIANT]},
            "Could not find model",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": [{**VARIANT, "InitialVariantWeight": 0}]},
            "sum of all variant weights must be greater than 0",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": [VARIANT] * 2},
            "Duplicate variant",
        ),
        (
            "create_endpoint_config",
            {"EndpointConfigName": "a", "ProductionVariants": [VARIANT], "ShadowProductionVariants": [VARIANT]},
            "Duplicate variant",
        ),
        (
            "create_endpoint",
            {"EndpointName": "a", "EndpointConfigName": "x"},
            'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/x"',
        ),
        ("describe_endpoint", {"EndpointName": "x"}, 'Could not find endpoint "arn:'),
        ("list_tags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/x"}, "Could not find resource"),
        ("list_training_jobs", {}, f"sagemaker:ListTrainingJobs {NOT_MODELLED}"),
    ],
)
def test_sagemaker_refuses_in_the_words_of_aws(
    aws: Aws, operation: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(aws.sagemaker, operation)(**arguments)
    code, found = refusal(error)
    assert code == "ValidationException"
    assert message in found


def test_all_violations_are_named_at_once(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"4 validation errors detected: .*; .*; .*; "):
        aws.sagemaker.create_model(ModelName="a_b", ExecutionRoleArn="role", PrimaryContainer={"Image": ""})


def test_existing_names_are_refused(aws: Aws) -> None:
    aws.model("seven")
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        aws.model("seven")
    aws.config("one", {"ModelName": "seven"})
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        aws.config("one", {"ModelName": "seven"})


def test_records_are_described_as_they_were_made(aws: Aws) -> None:
    aws.model("seven", Environment={"SLIPWAY_THREADS": "1"})
    model = aws.sagemaker.describe_model(ModelName="seven")
    assert model["PrimaryContainer"]["Environment"] == {"SLIPWAY_THREADS": "1"}
    assert model["ExecutionRoleArn"] == ROLE
    aws.config("one", {"ModelName": "seven"}, KmsKeyId="alias/key")
    config = aws.sagemaker.describe_endpoint_config(EndpointConfigName="one")
    assert config["ProductionVariants"][0]["InitialVariantWeight"] == 1
    assert config["KmsKeyId"] == "alias/key"


def test_lists_come_in_pages_sorted_and_filtered(aws: Aws) -> None:
    for number in range(5):
        aws.model(f"model-{number}")
    pages = aws.sagemaker.get_paginator("list_models").paginate(
        SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    names = [[model["ModelName"] for model in page["Models"]] for page in pages]
    assert names == [["model-0", "model-1"], ["model-2", "model-3"], ["model-4"]]
    newest = aws.sagemaker.list_models(MaxResults=1)["Models"][0]["ModelName"]
    assert newest == "model-4"
    assert len(aws.sagemaker.list_models(NameContains="L-3")["Models"]) == 1
    with pytest.raises(ClientError, match="Invalid pagination token"):
        aws.sagemaker.list_models(NextToken="nonsense")


def test_tags_are_added_listed_and_removed(aws: Aws) -> None:
    aws.model("seven")
    arn = aws.sagemaker.describe_model(ModelName="seven")["ModelArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}, {"Key": "stage", "Value": "dev"}])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_accounts_and_regions_see_only_their_own(cloud: Cloud, aws: Aws, aws_of: type[Aws]) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    for account, region in (("111122223333", "us-east-1"), ("000000000000", "eu-west-1")):
        other = aws_of(cloud, account, region)
        assert other.sagemaker.list_models()["Models"] == []
        with pytest.raises(ClientError, match=f"Endpoint reader of account {account} not found"):
            other.invoke("reader")
        other.sagemaker.create_model(ModelName="seven", ExecutionRoleArn=ROLE, PrimaryContainer=CONTAINER)
        arn = other.sagemaker.describe_model(ModelName="seven")["ModelArn"]
        assert arn == f"arn:aws:sagemaker:{region}:{account}:model/seven"
        other.clean()
    assert aws.label("reader") == "7"


TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/reader/variant/seven",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def test_scaling_is_kept_and_described(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    with pytest.raises(ClientError, match="were not found"):
        aws.scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2)
    aws.endpoint("reader", "one")
    with pytest.raises(ClientError, match="No scalable target found"):
        aws.scaling.deregister_scalable_target(**TARGET)
    aws.scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    aws.scaling.register_scalable_target(**TARGET, MaxCapacity=3)
    (target,) = aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)

    tracking = {
        "TargetValue": 5.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    policy = {**TARGET, "PolicyName": "track", "PolicyType": "TargetTrackingScaling"}
    with pytest.raises(ClientError, match="TargetTrackingScalingPolicyConfiguration"):
        aws.scaling.put_scaling_policy(**policy)
    arn = aws.scaling.put_scaling_policy(**policy, TargetTrackingScalingPolicyConfiguration=tracking)["PolicyARN"]
    assert (
        aws.scaling.put_scaling_policy(**policy, TargetTrackingScalingPolicyConfiguration=tracking)["PolicyARN"] == arn
    )
    assert [found["PolicyARN"] for found in policies(aws)] == [arn]

    aws.scaling.put_scheduled_action(
        **TARGET, ScheduledActionName="off", Schedule="cron(0 20 ? * FRI *)", ScalableTargetAction={"MaxCapacity": 0}
    )
    (action,) = aws.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MaxCapacity": 0}

    aws.config("bigger", {"ModelName": "seven", "InstanceType": "ml.c7i.2xlarge"})
    with pytest.raises(ClientError, match="must be deregistered as a scalable target"):
        aws.sagemaker.update_endpoint(EndpointName="reader", EndpointConfigName="bigger")
    aws.scaling.delete_scaling_policy(**TARGET, PolicyName="track")
    aws.scaling.delete_scheduled_action(**TARGET, ScheduledActionName="off")
    assert policies(aws) == []
    aws.scaling.deregister_scalable_target(**TARGET)
    assert aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def policies(aws: Aws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    return found


def test_scaling_of_another_service_is_refused_by_name(aws: Aws) -> None:
    with pytest.raises(ClientError, match=NOT_MODELLED):
        aws.scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/a/b",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=2,
        )
    with pytest.raises(ClientError, match=f"application-autoscaling:DescribeScalingActivities {NOT_MODELLED}"):
        aws.scaling.describe_scaling_activities(ServiceNamespace="sagemaker")


def test_the_rest_of_aws_still_answers(aws: Aws) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == "000000000000"
    aws.client("cloudwatch").put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}])
    assert "Functions" in aws.client("lambda").list_functions()
    assert "items" in aws.client("apigateway").get_rest_apis()


@pytest.mark.parametrize(
    "weight", ["NaN", "Infinity", "-Infinity", "[" * 100_000], ids=["nan", "infinity", "below", "deep"]
)
def test_request_is_refused_when_only_python_calls_it_json(cloud: Cloud, weight: str) -> None:
    desired = f'[{{"VariantName": "main", "DesiredWeight": {weight}}}]'
    body = f'{{"EndpointName": "reader", "DesiredWeightsAndCapacities": {desired}}}'
    headers = {"X-Amz-Target": "SageMaker.UpdateEndpointWeightsAndCapacities"}
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=240)
    connection.request("POST", "/", body, headers)
    assert "SerializationException" in connection.getresponse().read().decode()
    connection.close()
