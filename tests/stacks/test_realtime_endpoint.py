from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipway.specs import SpecError

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

VARIANT = {"name": "only", "model": "digits", "instance_type": "ml.c7i.xlarge"}


def only(resources: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(resources) == 1
    properties: dict[str, Any] = resources[0]["Properties"]
    return properties


@pytest.fixture
def embedder(template: Get) -> Template:
    return template("prod", "sentence-embedder")


def test_containers_are_isolated_unless_the_spec_says_otherwise(synth: Synth, embedder: Template, of_type: Of) -> None:
    assert all(model["Properties"]["EnableNetworkIsolation"] is True for model in of_type(embedder, "SageMaker::Model"))
    opened = synth({"network_isolation": False}, {})["slipway-test-it"]
    assert only(of_type(opened, "SageMaker::Model"))["EnableNetworkIsolation"] is False


def test_only_the_endpoint_has_a_name(embedder: Template, of_type: Of) -> None:
    assert only(of_type(embedder, "SageMaker::Endpoint"))["EndpointName"] == "sentence-embedder"
    assert "EndpointConfigName" not in only(of_type(embedder, "SageMaker::EndpointConfig"))
    assert all("ModelName" not in model["Properties"] for model in of_type(embedder, "SageMaker::Model"))


def test_endpoint_takes_the_environments_prefix(template: Get, of_type: Of) -> None:
    dev = template("dev", "sentence-embedder")
    assert only(of_type(dev, "SageMaker::Endpoint"))["EndpointName"] == "dev-sentence-embedder"
    assert dev["Outputs"]["EndpointName"]["Value"] == "dev-sentence-embedder"


def test_models_wait_for_the_roles_policy(embedder: Template, of_type: Of) -> None:
    for model in of_type(embedder, "SageMaker::Model"):
        policies = [embedder["Resources"][name] for name in model["DependsOn"]]
        assert [policy["Type"] for policy in policies] == ["AWS::IAM::Policy"]
        actions = [statement["Action"] for statement in policies[0]["Properties"]["PolicyDocument"]["Statement"]]
        assert "s3:GetObject" in actions


def test_every_variant_keeps_its_weight_even_none(synth: Synth, of_type: Of) -> None:
    variants = [{**VARIANT, "name": "live", "weight": 1}, {**VARIANT, "name": "dark", "weight": 0}]
    config = only(of_type(synth({"variants": variants}, {})["slipway-test-it"], "SageMaker::EndpointConfig"))
    weights = {variant["VariantName"]: variant["InitialVariantWeight"] for variant in config["ProductionVariants"]}
    assert weights == {"live": 1, "dark": 0}


def test_fleet_starts_at_the_least_that_scaling_keeps(template: Get, of_type: Of) -> None:
    for environment, least in (("dev", 1), ("staging", 2), ("prod", 4)):
        config = only(of_type(template(environment, "sentence-embedder"), "SageMaker::EndpointConfig"))
        assert {variant["InitialInstanceCount"] for variant in config["ProductionVariants"]} == {least}


def test_fleet_has_the_size_of_the_spec_when_nothing_scales_it(synth: Synth, of_type: Of) -> None:
    made = synth({"variants": [{**VARIANT, "instances": 3}, {**VARIANT, "name": "one"}]}, {})["slipway-test-it"]
    config = only(of_type(made, "SageMaker::EndpointConfig"))
    assert [variant["InitialInstanceCount"] for variant in config["ProductionVariants"]] == [3, 1]
    assert of_type(made, "ApplicationAutoScaling::ScalableTarget") == []


def test_update_keeps_scaled_fleets_and_takes_weights_and_capture_from_the_spec(
    embedder: Template, of_type: Of
) -> None:
    endpoint = only(of_type(embedder, "SageMaker::Endpoint"))
    assert endpoint["RetainAllVariantProperties"] is True
    excluded = {entry["VariantPropertyType"] for entry in endpoint["ExcludeRetainedVariantProperties"]}
    assert excluded == {"DesiredWeight", "DataCaptureConfig"}


def test_update_takes_everything_from_the_spec_when_nothing_is_scaled(synth: Synth, of_type: Of) -> None:
    endpoint = only(of_type(synth({}, {})["slipway-test-it"], "SageMaker::Endpoint"))
    assert endpoint["RetainAllVariantProperties"] is False
    assert "ExcludeRetainedVariantProperties" not in endpoint


def test_volume_and_capture_are_encrypted_with_the_environments_key(embedder: Template, of_type: Of) -> None:
    key = {"Fn::ImportValue": "slipway-prod-shared-KeyArn"}
    config = only(of_type(embedder, "SageMaker::EndpointConfig"))
    assert config["KmsKeyId"] == key
    assert config["DataCaptureConfig"]["KmsKeyId"] == key
    assert all(group["Properties"]["KmsKeyId"] == key for group in of_type(embedder, "Logs::LogGroup"))


def test_volume_key_is_left_out_when_a_machine_has_its_own_disk(synth: Synth, of_type: Of) -> None:
    variants = [VARIANT, {**VARIANT, "name": "gpu", "instance_type": "ml.g5.xlarge"}]
    config = only(of_type(synth({"variants": variants}, {})["slipway-test-it"], "SageMaker::EndpointConfig"))
    assert "KmsKeyId" not in config


def test_capture_takes_its_share_of_requests_and_answers(embedder: Template, of_type: Of) -> None:
    capture = only(of_type(embedder, "SageMaker::EndpointConfig"))["DataCaptureConfig"]
    assert capture["InitialSamplingPercentage"] == 5
    assert capture["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    bucket = {"Fn::ImportValue": "slipway-prod-shared-CaptureBucket"}
    assert capture["DestinationS3Uri"] == {"Fn::Join": ["", ["s3://", bucket, "/sentence-embedder"]]}


def rollback_alarms(template: Template) -> list[dict[str, Any]]:
    endpoint = next(entry for entry in template["Resources"].values() if entry["Type"] == "AWS::SageMaker::Endpoint")
    names = endpoint["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    return [template["Resources"][name["AlarmName"]["Ref"]]["Properties"] for name in names]


def test_rollback_alarms_watch_the_new_config_alone(embedder: Template) -> None:
    config = next(
        name for name, entry in embedder["Resources"].items() if entry["Type"] == "AWS::SageMaker::EndpointConfig"
    )
    watched = []
    for alarm in rollback_alarms(embedder):
        dimensions = {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}
        assert dimensions["EndpointName"] == "sentence-embedder"
        assert dimensions["EndpointConfigName"] == {"Fn::GetAtt": [config, "EndpointConfigName"]}
        watched.append((dimensions["VariantName"], alarm["MetricName"]))
    assert sorted(watched) == [
        (variant, metric) for variant in ("fp32", "int8") for metric in ("Invocation5XXErrors", "ModelLatency")
    ]


def test_endpoint_waits_until_its_role_may_ask_the_rollback_alarms(embedder: Template, of_type: Of) -> None:
    waits = [embedder["Resources"][name] for name in of_type(embedder, "SageMaker::Endpoint")[0]["DependsOn"]]
    statements = [
        statement
        for policy in waits
        if policy["Type"] == "AWS::IAM::Policy"
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert [statement["Action"] for statement in statements] == ["cloudwatch:DescribeAlarms"]
    assert len(statements[0]["Resource"]) == len(rollback_alarms(embedder))


def test_alarms_compare_in_the_metrics_own_units_and_notify(embedder: Template, of_type: Of) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(embedder, "CloudWatch::Alarm")]
    answers = [alarm for alarm in alarms if alarm["Namespace"] == "AWS/SageMaker"]
    assert (len(alarms), len(answers)) == (12, 8)
    for alarm in answers:
        error = alarm["MetricName"] == "Invocation5XXErrors"
        # 1 % as a rate from 0 to 1; 60 ms in microseconds
        assert alarm["Threshold"] == (0.01 if error else 60_000)
        assert alarm.get("Statistic") == ("Average" if error else None)
        assert alarm.get("ExtendedStatistic") == (None if error else "p99")
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert alarm["Namespace"] == "AWS/SageMaker"
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == [{"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}]


def test_latency_is_not_watched_when_the_spec_gives_no_bound(synth: Synth, of_type: Of) -> None:
    alarms = of_type(synth({}, {})["slipway-test-it"], "CloudWatch::Alarm")
    watched = {alarm["Properties"]["MetricName"] for alarm in alarms}
    assert watched == {"Invocation5XXErrors", "MemoryUtilization", "DiskUtilization"}


def test_more_rollback_alarms_than_sagemaker_takes_are_refused(synth: Synth) -> None:
    variants = [{**VARIANT, "name": f"v{number}"} for number in range(6)]
    with pytest.raises(SpecError, match="rollback alarms"):
        synth({"variants": variants, "alarms": {"p99_latency_ms": 50}}, {})


@pytest.mark.parametrize(
    ("rollout", "routing", "seconds"),
    [
        (
            {"strategy": "canary", "percent": 20, "bake_minutes": 10, "terminate_after_seconds": 300},
            {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20}, "WaitIntervalInSeconds": 600},
            2 * 600 + 300 + 600 + 1800,
        ),
        (
            {"strategy": "all-at-once", "bake_minutes": 0, "terminate_after_seconds": 0},
            {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            600 + 1800,
        ),
        (
            {"strategy": "canary", "bake_minutes": 60, "terminate_after_seconds": 3600},
            {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}, "WaitIntervalInSeconds": 3600},
            2 * 3600 + 3600 + 600 + 1800,
        ),
        (
            {"strategy": "linear", "percent": 30, "bake_minutes": 5, "terminate_after_seconds": 60},
            {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 30},
                "WaitIntervalInSeconds": 300,
            },
            4 * 300 + 60 + 600 + 1800,  # 30, 60, 90, 100 %
        ),
    ],
)
def test_rollout_ends_after_its_waits_and_within_what_sagemaker_takes(
    synth: Synth, of_type: Of, rollout: dict[str, Any], routing: dict[str, Any], seconds: int
) -> None:
    endpoint = only(of_type(synth({"rollout": rollout}, {})["slipway-test-it"], "SageMaker::Endpoint"))
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == routing
    assert policy["TerminationWaitInSeconds"] == rollout["terminate_after_seconds"]
    assert policy["MaximumExecutionTimeoutInSeconds"] == seconds
    assert 600 <= seconds <= 28_800


@pytest.mark.parametrize(
    ("rollout", "expected"),
    [
        (
            {"strategy": "rolling", "percent": 40, "bake_minutes": 2, "rollback_percent": 20},
            {"batch": 40, "back": 20, "wait": 120, "longest": 3 * (120 + 600) + 1800},
        ),
        # As long as SageMaker lets it take: every batch starts containers.
        (
            {"strategy": "rolling", "percent": 5, "bake_minutes": 21},
            {"batch": 5, "back": 100, "wait": 1260, "longest": 28_800},
        ),
    ],
)
def test_rolling_update_replaces_batches_instead_of_a_second_fleet(
    synth: Synth, of_type: Of, rollout: dict[str, Any], expected: dict[str, int]
) -> None:
    template = synth({"rollout": rollout}, {})["slipway-test-it"]
    deployment = only(of_type(template, "SageMaker::Endpoint"))["DeploymentConfig"]
    assert "BlueGreenUpdatePolicy" not in deployment
    assert deployment["RollingUpdatePolicy"] == {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": expected["batch"]},
        "MaximumExecutionTimeoutInSeconds": expected["longest"],
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": expected["back"]},
        "WaitIntervalInSeconds": expected["wait"],
    }
    assert len(rollback_alarms(template)) == 1


def test_every_scaled_variant_is_registered_once_the_endpoint_is_there(embedder: Template, of_type: Of) -> None:
    endpoint = next(n for n, entry in embedder["Resources"].items() if entry["Type"] == "AWS::SageMaker::Endpoint")
    targets = of_type(embedder, "ApplicationAutoScaling::ScalableTarget")
    assert {target["Properties"]["ResourceId"] for target in targets} == {
        "endpoint/sentence-embedder/variant/int8",
        "endpoint/sentence-embedder/variant/fp32",
    }
    for target in targets:
        assert target["DependsOn"] == [endpoint]
        assert (target["Properties"]["MinCapacity"], target["Properties"]["MaxCapacity"]) == (4, 16)
        assert target["Properties"]["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"


@pytest.mark.parametrize(
    ("track", "metric"),
    [
        ("concurrency", "SageMakerVariantConcurrentRequestsPerModelHighResolution"),
        ("invocations", "SageMakerVariantInvocationsPerInstance"),
    ],
)
def test_scaling_tracks_what_the_spec_names(synth: Synth, of_type: Of, track: str, metric: str) -> None:
    scaling = {"instances": {"min": 1, "max": 3}, "track": track, "target": 7, "scale_in_cooldown_seconds": 0}
    policy = only(of_type(synth({"scaling": scaling}, {})["slipway-test-it"], "ApplicationAutoScaling::ScalingPolicy"))
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["PredefinedMetricSpecification"]["PredefinedMetricType"] == metric
    assert (tracking["TargetValue"], tracking["ScaleInCooldown"]) == (7, 0)


def test_containers_lie_in_the_environments_vpc_behind_a_group_that_nothing_may_enter(
    embedder: Template, of_type: Of
) -> None:
    group = only(of_type(embedder, "EC2::SecurityGroup"))
    assert "SecurityGroupIngress" not in group
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [
        ("tcp", 443, 443)
    ]
    for model in of_type(embedder, "SageMaker::Model"):
        place = model["Properties"]["VpcConfig"]
        assert place["Subnets"] == ["subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"]
        assert [next(iter(group)) for group in place["SecurityGroupIds"]] == ["Fn::GetAtt"]


def test_containers_use_the_environments_groups_when_it_names_some(synth: Synth, of_type: Of) -> None:
    network = {
        "vpc_id": "vpc-12345600",
        "subnets": ["subnet-12345600", "subnet-65432100"],
        "security_groups": ["sg-12345600"],
    }
    made = synth({}, {"network": network})["slipway-test-it"]
    assert of_type(made, "EC2::SecurityGroup") == []
    assert only(of_type(made, "SageMaker::Model"))["VpcConfig"]["SecurityGroupIds"] == ["sg-12345600"]


def test_containers_lie_in_no_vpc_when_the_environment_has_none(template: Get, of_type: Of) -> None:
    models = of_type(template("dev", "sentence-embedder"), "SageMaker::Model")
    assert all("VpcConfig" not in model["Properties"] for model in models)


def test_container_takes_the_variants_variables_and_time_to_start(synth: Synth, of_type: Of) -> None:
    variant = {**VARIANT, "environment": {"SLIPWAY_THREADS": "2"}, "startup_timeout_seconds": 900, "volume_gib": 40}
    made = synth({"variants": [variant]}, {})["slipway-test-it"]
    assert only(of_type(made, "SageMaker::Model"))["PrimaryContainer"]["Environment"] == {"SLIPWAY_THREADS": "2"}
    config = only(of_type(made, "SageMaker::EndpointConfig"))["ProductionVariants"][0]
    assert config["ContainerStartupHealthCheckTimeoutInSeconds"] == 900
    assert config["VolumeSizeInGB"] == 40
