from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

SPEC = {"kind": "async", "model": "digits", "instance_type": "ml.c7i.xlarge"}
KEY = {"Fn::ImportValue": "slipway-prod-shared-KeyArn"}


def only(resources: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(resources) == 1
    properties: dict[str, Any] = resources[0]["Properties"]
    return properties


def named(template: Template, part: str) -> str:
    """The one logical id that is this and a hash."""
    found: str
    [found] = [name for name in template["Resources"] if re.fullmatch(rf"{part}[0-9A-F]{{8}}", name)]
    return found


@pytest.fixture
def embedder(template: Get) -> Template:
    return template("prod", "document-embedder")


@pytest.fixture
def made(synth: Synth) -> Callable[..., Template]:
    """Synthesise one asynchronous endpoint; given is what differs."""

    def run(**changed: Any) -> Template:
        return synth({**SPEC, **changed}, {})["slipway-test-it"]

    return run


def granted(template: Template, of_type: Of) -> list[tuple[str, Any]]:
    """Every action that the endpoint's own role has, with each resource that it is granted on."""
    policies = [
        policy
        for policy in of_type(template, "IAM::Policy")
        if "FunctionRole" not in policy["Properties"]["Roles"][0]["Ref"]
    ]
    return [
        (action, resource)
        for policy in policies
        for entry in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in (entry["Action"] if isinstance(entry["Action"], list) else [entry["Action"]])
        for resource in (entry["Resource"] if isinstance(entry["Resource"], list) else [entry["Resource"]])
    ]


def test_answers_and_failures_go_to_the_endpoints_own_bucket_under_the_environments_key(
    embedder: Template, of_type: Of
) -> None:
    bucket = named(embedder, "EndpointRequests")
    config = only(of_type(embedder, "SageMaker::EndpointConfig"))["AsyncInferenceConfig"]
    output = config["OutputConfig"]
    assert output["S3OutputPath"] == {"Fn::Join": ["", ["s3://", {"Ref": bucket}, "/output"]]}
    assert output["S3FailurePath"] == {"Fn::Join": ["", ["s3://", {"Ref": bucket}, "/failure"]]}
    assert output["KmsKeyId"] == KEY
    assert config["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 4}
    assert embedder["Outputs"]["RequestBucket"]["Value"] == {"Ref": bucket}
    [rule] = embedder["Resources"][bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 7)


def test_role_reads_requests_and_writes_answers_and_nothing_else(embedder: Template, of_type: Of) -> None:
    bucket = named(embedder, "EndpointRequests")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    touched = [
        (action, resource["Fn::Join"][1][1])
        for action, resource in granted(embedder, of_type)
        if isinstance(resource, dict) and resource.get("Fn::Join", ["", [None]])[1][0] == arn
    ]
    assert sorted(touched) == [
        ("s3:AbortMultipartUpload", "/failure/*"),
        ("s3:AbortMultipartUpload", "/output/*"),
        ("s3:GetObject", "/input/*"),
        ("s3:PutObject", "/failure/*"),
        ("s3:PutObject", "/output/*"),
    ]
    assert ("s3:ListBucket", arn) in granted(embedder, of_type)
    assert {action for action, resource in granted(embedder, of_type) if resource == KEY} == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def test_each_outcome_is_announced_on_an_encrypted_topic_that_the_role_may_publish_to(
    embedder: Template, of_type: Of
) -> None:
    success, error = named(embedder, "EndpointResultsSuccess"), named(embedder, "EndpointResultsError")
    config = only(of_type(embedder, "SageMaker::EndpointConfig"))["AsyncInferenceConfig"]["OutputConfig"]
    assert config["NotificationConfig"] == {"SuccessTopic": {"Ref": success}, "ErrorTopic": {"Ref": error}}
    assert all(topic["Properties"]["KmsMasterKeyId"] == KEY for topic in of_type(embedder, "SNS::Topic"))
    published = [resource["Ref"] for action, resource in granted(embedder, of_type) if action == "sns:Publish"]
    assert sorted(published) == sorted([success, error])


def test_nothing_is_announced_when_the_spec_says_so(made: Callable[..., Template], of_type: Of) -> None:
    quiet = made(notify=[])
    assert of_type(quiet, "SNS::Topic") == []
    config = only(of_type(quiet, "SageMaker::EndpointConfig"))["AsyncInferenceConfig"]
    assert "NotificationConfig" not in config["OutputConfig"]
    assert "ClientConfig" not in config


def test_fleet_starts_with_one_instance_and_may_shrink_to_none(embedder: Template, of_type: Of) -> None:
    [variant] = only(of_type(embedder, "SageMaker::EndpointConfig"))["ProductionVariants"]
    assert (variant["VariantName"], variant["InitialInstanceCount"]) == ("AllTraffic", 1)
    target = only(of_type(embedder, "ApplicationAutoScaling::ScalableTarget"))
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)
    assert target["ResourceId"] == "endpoint/document-embedder/variant/AllTraffic"
    # A new version must start at all before it is trusted, also where the fleet slept.
    assert only(of_type(embedder, "SageMaker::Endpoint"))["RetainAllVariantProperties"] is False


def test_fleet_is_tracked_by_its_backlog_and_woken_by_the_first_request(embedder: Template, of_type: Of) -> None:
    policies = {
        entry["Properties"]["PolicyType"]: (name, entry["Properties"])
        for name, entry in embedder["Resources"].items()
        if entry["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    }
    assert policies.keys() == {"TargetTrackingScaling", "StepScaling"}
    tracking = policies["TargetTrackingScaling"][1]["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 5
    assert tracking["CustomizedMetricSpecification"] == {
        "Dimensions": [{"Name": "EndpointName", "Value": "document-embedder"}],
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Statistic": "Average",
    }
    name, step = policies["StepScaling"]
    [first] = step["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert first == {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    assert step["StepScalingPolicyConfiguration"]["AdjustmentType"] == "ChangeInCapacity"
    [alarm] = [entry for entry in alarms(embedder, of_type) if entry["MetricName"] == "HasBacklogWithoutCapacity"]
    assert alarm["AlarmActions"] == [{"Ref": name}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert dimensions(alarm) == {"EndpointName"}


def test_fleet_that_never_sleeps_needs_no_waking_and_keeps_its_size_over_an_update(
    made: Callable[..., Template], of_type: Of
) -> None:
    awake = made(scaling={"instances": {"min": 2, "max": 3}, "target": 1})
    [policy] = of_type(awake, "ApplicationAutoScaling::ScalingPolicy")
    assert policy["Properties"]["PolicyType"] == "TargetTrackingScaling"
    assert "HasBacklogWithoutCapacity" not in {alarm["MetricName"] for alarm in alarms(awake, of_type)}
    assert only(of_type(awake, "SageMaker::Endpoint"))["RetainAllVariantProperties"] is True
    config = only(of_type(awake, "SageMaker::EndpointConfig"))
    assert config["ProductionVariants"][0]["InitialInstanceCount"] == 2


@pytest.mark.parametrize(
    "hours",
    [
        {"off_hours": {"start": "20:00", "end": "06:00", "min": 0, "max": 0}},
        {"schedule": [{"name": "night", "cron": "0 20 ? * * *", "min": 0, "max": 0}]},
    ],
)
def test_fleet_that_sleeps_at_hours_is_woken_and_starts_anew_at_an_update(
    made: Callable[..., Template], of_type: Of, hours: dict[str, Any]
) -> None:
    asleep = made(scaling={"instances": {"min": 2, "max": 3}, "target": 1, **hours})
    actions = only(of_type(asleep, "ApplicationAutoScaling::ScalableTarget"))["ScheduledActions"]
    assert actions[0]["ScalableTargetAction"] == {"MinCapacity": 0, "MaxCapacity": 0}
    assert actions[0]["Schedule"].startswith("cron(0 20 ? * ")
    assert "HasBacklogWithoutCapacity" in {alarm["MetricName"] for alarm in alarms(asleep, of_type)}
    assert only(of_type(asleep, "SageMaker::Endpoint")).get("RetainAllVariantProperties") in (None, False)


def test_fleet_has_the_size_of_the_spec_when_nothing_scales_it(made: Callable[..., Template], of_type: Of) -> None:
    fixed = made(instances=3, volume_gib=40, startup_timeout_seconds=900)
    [variant] = only(of_type(fixed, "SageMaker::EndpointConfig"))["ProductionVariants"]
    assert (variant["InitialInstanceCount"], variant["VolumeSizeInGB"]) == (3, 40)
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 900
    assert variant["ModelDataDownloadTimeoutInSeconds"] == 300
    assert of_type(fixed, "ApplicationAutoScaling::ScalableTarget") == []


def test_fleet_is_replaced_in_batches_when_the_spec_says_so(made: Callable[..., Template], of_type: Of) -> None:
    rolling = made(instances=4, rollout={"strategy": "rolling", "percent": 25})
    deployment = only(of_type(rolling, "SageMaker::Endpoint"))["DeploymentConfig"]
    assert "BlueGreenUpdatePolicy" not in deployment
    batch = deployment["RollingUpdatePolicy"]["MaximumBatchSize"]
    assert batch == {"Type": "CAPACITY_PERCENT", "Value": 25}
    assert deployment["AutoRollbackConfiguration"]["Alarms"] != []


def alarms(template: Template, of_type: Of) -> list[dict[str, Any]]:
    return [alarm["Properties"] for alarm in of_type(template, "CloudWatch::Alarm")]


def dimensions(alarm: dict[str, Any]) -> set[str]:
    return {entry["Name"] for entry in alarm["Dimensions"]}


def test_alarms_watch_what_sagemaker_publishes_of_asynchronous_endpoints_in_its_units(
    embedder: Template, of_type: Of
) -> None:
    watched = {
        (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"], frozenset(dimensions(alarm)))
        for alarm in alarms(embedder, of_type)
        if alarm["MetricName"] != "HasBacklogWithoutCapacity"
    }
    variant = {"EndpointName", "VariantName"}
    assert watched == {
        ("ApproximateAgeOfOldestRequest", "Maximum", 900, frozenset({"EndpointName"})),
        ("InvocationFailures", "Sum", 5, frozenset(variant)),
        ("ExpiredRequests", "Sum", 5, frozenset(variant)),
        ("MemoryUtilization", "Average", 90, frozenset(variant)),
        ("DiskUtilization", "Average", 80, frozenset(variant)),
        ("Invocation5XXErrors", "Average", 0.01, frozenset(variant)),
        ("Invocation5XXErrors", "Average", 0.01, frozenset(variant | {"EndpointConfigName"})),
    }
    topic = {"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}
    for alarm in alarms(embedder, of_type):
        host = alarm["MetricName"] in ("MemoryUtilization", "DiskUtilization")
        assert alarm["Namespace"] == ("/aws/sagemaker/Endpoints" if host else "AWS/SageMaker")
        assert alarm["AlarmActions"] == [topic] or alarm["MetricName"] == "HasBacklogWithoutCapacity"


def test_new_version_is_called_back_by_the_alarm_of_its_own_config(embedder: Template, of_type: Of) -> None:
    deployment = only(of_type(embedder, "SageMaker::Endpoint"))["DeploymentConfig"]
    [name] = deployment["AutoRollbackConfiguration"]["Alarms"]
    alarm = embedder["Resources"][name["AlarmName"]["Ref"]]["Properties"]
    assert "EndpointConfigName" in dimensions(alarm)
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}


def test_container_is_isolated_and_lies_in_the_environments_vpc(
    embedder: Template, made: Callable[..., Template], of_type: Of
) -> None:
    model = only(of_type(embedder, "SageMaker::Model"))
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"]
    opened = made(network_isolation=False)
    assert only(of_type(opened, "SageMaker::Model"))["EnableNetworkIsolation"] is False


def test_volume_key_is_left_out_when_the_machine_has_its_own_disk(
    embedder: Template, made: Callable[..., Template], of_type: Of
) -> None:
    assert only(of_type(embedder, "SageMaker::EndpointConfig"))["KmsKeyId"] == KEY
    assert "KmsKeyId" not in only(of_type(made(instance_type="ml.g5.xlarge"), "SageMaker::EndpointConfig"))


@pytest.mark.parametrize(("environment", "policy"), [("dev", "Delete"), ("prod", "RetainExceptOnCreate")])
def test_requests_outlive_the_stack_only_where_data_is_kept(
    template: Get, of_type: Of, environment: str, policy: str
) -> None:
    buckets = of_type(template(environment, "document-embedder"), "S3::Bucket")
    assert [bucket["DeletionPolicy"] for bucket in buckets] == [policy, policy]
