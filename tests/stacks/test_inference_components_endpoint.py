from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]
Made = Callable[..., Template]

COMPONENT = {"name": "reader", "model": "digits", "memory_mib": 512}
SPEC = {
    "kind": "inference-components",
    "instance_type": "ml.c7i.xlarge",
    "instances": {"min": 1, "max": 2},
    "components": [COMPONENT],
}
AWAKE = {"copies": {"min": 1, "max": 2}, "track": "concurrency", "target": 4}
SLEEPER = {**COMPONENT, "scaling": {**AWAKE, "copies": {"min": 0, "max": 2}}}


def only(resources: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(resources) == 1
    properties: dict[str, Any] = resources[0]["Properties"]
    return properties


def alarms(template: Template, of_type: Of, metric: str) -> list[dict[str, Any]]:
    found = [alarm["Properties"] for alarm in of_type(template, "CloudWatch::Alarm")]
    return [alarm for alarm in found if alarm["MetricName"] == metric]


def components(template: Template) -> dict[str, dict[str, Any]]:
    """Each component by its name in the account, with its logical id."""
    return {
        entry["Properties"]["InferenceComponentName"]: {**entry["Properties"], "id": name}
        for name, entry in template["Resources"].items()
        if entry["Type"] == "AWS::SageMaker::InferenceComponent"
    }


@pytest.fixture
def fleet(template: Get) -> Template:
    return template("prod", "model-fleet")


@pytest.fixture
def made(synth: Synth) -> Made:
    """Synthesise one endpoint of inference components; given is what differs."""

    def run(**changed: Any) -> Template:
        return synth({**SPEC, **changed}, {})["slipway-test-it"]

    return run


def test_fleet_has_no_model_and_is_sized_by_sagemaker(fleet: Template, of_type: Of) -> None:
    config = only(of_type(fleet, "SageMaker::EndpointConfig"))
    [variant] = config["ProductionVariants"]
    assert "ModelName" not in variant
    assert variant["VariantName"] == "AllTraffic"
    assert variant["InitialInstanceCount"] == 1
    assert variant["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    [role] = [name for name in fleet["Resources"] if re.fullmatch("EndpointExecutionRole[0-9A-F]{8}", name)]
    assert config["ExecutionRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}


def test_fleet_and_models_are_isolated_and_lie_in_the_environments_vpc(fleet: Template, of_type: Of) -> None:
    config = only(of_type(fleet, "SageMaker::EndpointConfig"))
    for part in (config, *(model["Properties"] for model in of_type(fleet, "SageMaker::Model"))):
        assert part["EnableNetworkIsolation"] is True
        assert part["VpcConfig"] == config["VpcConfig"]
    assert config["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"]


def test_fleet_that_may_sleep_starts_with_one_instance(made: Made, of_type: Of) -> None:
    asleep = made(instances={"min": 0, "max": 2}, components=[SLEEPER])
    [variant] = only(of_type(asleep, "SageMaker::EndpointConfig"))["ProductionVariants"]
    assert variant["InitialInstanceCount"] == 1
    assert variant["ManagedInstanceScaling"]["MinInstanceCount"] == 0


def test_each_component_brings_its_model_and_what_each_copy_needs(fleet: Template) -> None:
    found = components(fleet)
    assert found.keys() == {"model-fleet-sentences", "model-fleet-digits"}
    digits = found["model-fleet-digits"]
    assert digits["Specification"]["ComputeResourceRequirements"] == {
        "MinMemoryRequiredInMb": 512,
        "NumberOfCpuCoresRequired": 0.5,
    }
    model, attribute = digits["Specification"]["ModelName"]["Fn::GetAtt"]
    assert (fleet["Resources"][model]["Type"], attribute) == ("AWS::SageMaker::Model", "ModelName")
    assert digits["Specification"]["StartupParameters"] == {
        "ContainerStartupHealthCheckTimeoutInSeconds": 600,
        "ModelDataDownloadTimeoutInSeconds": 300,
    }
    assert digits["VariantName"] == "AllTraffic"
    assert digits["EndpointName"]["Fn::GetAtt"][1] == "EndpointName"


def test_component_that_may_sleep_is_created_with_a_copy_that_proves_it_starts(fleet: Template, made: Made) -> None:
    assert components(fleet)["model-fleet-digits"]["RuntimeConfig"] == {"CopyCount": 1}
    parked = made(components=[{**COMPONENT, "copies": 0}, {**COMPONENT, "name": "busy", "copies": 3}])
    counts = {name: found["RuntimeConfig"]["CopyCount"] for name, found in components(parked).items()}
    assert counts == {"it-reader": 0, "it-busy": 3}


def test_new_version_replaces_copies_in_batches_and_is_called_back_by_the_components_own_alarms(
    fleet: Template, of_type: Of
) -> None:
    for name, found in components(fleet).items():
        deployment = found["DeploymentConfig"]
        assert deployment["RollingUpdatePolicy"] == {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "MaximumExecutionTimeoutInSeconds": 3600,
            "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
            "WaitIntervalInSeconds": 300,
        }
        watched = [
            fleet["Resources"][alarm["AlarmName"]["Ref"]]["Properties"]
            for alarm in deployment["AutoRollbackConfiguration"]["Alarms"]
        ]
        assert [alarm["MetricName"] for alarm in watched] == ["Invocation5XXErrors", "ModelLatency"]
        for alarm in watched:
            assert alarm["Dimensions"] == [{"Name": "InferenceComponentName", "Value": name}]
            assert alarm["EvaluationPeriods"] == 1
    assert "DeploymentConfig" not in only(of_type(fleet, "SageMaker::Endpoint"))


def test_component_waits_for_the_endpoint_and_for_the_right_to_ask_its_alarms(fleet: Template) -> None:
    kinds = {
        fleet["Resources"][other]["Type"]
        for found in components(fleet).values()
        for other in fleet["Resources"][found["id"]]["DependsOn"]
    }
    assert kinds == {"AWS::IAM::Policy", "AWS::Logs::LogGroup", "AWS::SageMaker::Endpoint"}


def test_alarms_are_in_the_units_that_sagemaker_publishes(fleet: Template, of_type: Of) -> None:
    assert {alarm["Threshold"] for alarm in alarms(fleet, of_type, "Invocation5XXErrors")} == {0.01}
    assert {alarm["Threshold"] for alarm in alarms(fleet, of_type, "ModelLatency")} == {500_000}
    topic = {"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}
    assert all(alarm["AlarmActions"] == [topic] for alarm in alarms(fleet, of_type, "ModelLatency"))


def test_refused_requests_are_an_alarm_where_a_copy_is_always_kept_and_a_call_to_wake_up_elsewhere(
    fleet: Template, of_type: Of
) -> None:
    found = {alarm["Dimensions"][0]["Value"]: alarm for alarm in alarms(fleet, of_type, "NoCapacityInvocationFailures")}
    kept, sleeper = found["model-fleet-sentences"], found["model-fleet-digits"]
    assert kept["AlarmActions"] == [{"Fn::ImportValue": "slipway-prod-shared-AlarmTopicArn"}]
    # One request must be enough.
    assert (sleeper["ComparisonOperator"], sleeper["Threshold"], sleeper["Statistic"]) == (
        "GreaterThanOrEqualToThreshold",
        1,
        "Sum",
    )
    policy = fleet["Resources"][sleeper["AlarmActions"][0]["Ref"]]["Properties"]
    assert policy["PolicyType"] == "StepScaling"
    assert policy["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    ]


def test_copies_are_scaled_by_component_after_it_exists(fleet: Template, of_type: Of) -> None:
    targets = {target["Properties"]["ResourceId"]: target for target in scalable(fleet, of_type)}
    assert targets.keys() == {"inference-component/model-fleet-sentences", "inference-component/model-fleet-digits"}
    digits = targets["inference-component/model-fleet-digits"]
    assert (digits["Properties"]["MinCapacity"], digits["Properties"]["MaxCapacity"]) == (0, 4)
    assert digits["Properties"]["ScalableDimension"] == "sagemaker:inference-component:DesiredCopyCount"
    assert components(fleet)["model-fleet-digits"]["id"] in digits["DependsOn"]


def scalable(template: Template, of_type: Of) -> list[dict[str, Any]]:
    return of_type(template, "ApplicationAutoScaling::ScalableTarget")


@pytest.mark.parametrize(
    ("track", "metric"),
    [
        ("concurrency", "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"),
        ("invocations", "SageMakerInferenceComponentInvocationsPerCopy"),
    ],
)
def test_copies_follow_what_the_spec_tracks(made: Made, of_type: Of, track: str, metric: str) -> None:
    scaled = made(components=[{**COMPONENT, "scaling": {**AWAKE, "track": track}}])
    policy = only(of_type(scaled, "ApplicationAutoScaling::ScalingPolicy"))
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["PredefinedMetricSpecification"] == {"PredefinedMetricType": metric}
    assert tracking["TargetValue"] == 4


def test_nothing_is_scaled_when_the_spec_does_not_say_so(made: Made, of_type: Of) -> None:
    fixed = made()
    assert scalable(fixed, of_type) == []
    assert components(fixed)["it-reader"]["RuntimeConfig"] == {"CopyCount": 1}


def test_new_model_changes_the_component_in_place(
    fleet: Template, synth_changed: Callable[..., dict[str, Template]]
) -> None:
    after = synth_changed("prod", digits=b"better")["slipway-prod-model-fleet"]
    assert components(after).keys() == components(fleet).keys()
    assert {found["id"] for found in components(after).values()} == {
        found["id"] for found in components(fleet).values()
    }


def test_accelerators_and_bounds_reach_sagemaker(made: Made) -> None:
    big = {**COMPONENT, "accelerators": 1, "cpus": 2, "max_memory_mib": 1024, "startup_timeout_seconds": 900}
    found = components(made(instance_type="ml.g5.xlarge", components=[big]))["it-reader"]["Specification"]
    assert found["ComputeResourceRequirements"] == {
        "MaxMemoryRequiredInMb": 1024,
        "MinMemoryRequiredInMb": 512,
        "NumberOfAcceleratorDevicesRequired": 1,
        "NumberOfCpuCoresRequired": 2,
    }
    assert found["StartupParameters"]["ContainerStartupHealthCheckTimeoutInSeconds"] == 900


def test_each_component_logs_to_a_group_of_its_own(fleet: Template, of_type: Of) -> None:
    names = [group["Properties"].get("LogGroupName") for group in of_type(fleet, "Logs::LogGroup")]
    assert "/aws/sagemaker/InferenceComponents/model-fleet-sentences" in names
    assert "/aws/sagemaker/InferenceComponents/model-fleet-digits" in names


def test_front_takes_the_components_name_and_may_invoke_the_endpoints_components_alone(
    fleet: Template, of_type: Of
) -> None:
    assert fleet["Outputs"]["FrontUrl"]["Value"]["Fn::Join"][1][-1].endswith("/fleet/{target}")
    [allowed] = [
        statement["Resource"]
        for policy in of_type(fleet, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "sagemaker:InvokeEndpoint"
    ]
    assert [arn.rpartition(":")[2] for arn in allowed] == ["endpoint/model-fleet", "inference-component/model-fleet-*"]


def test_captured_requests_are_kept_where_the_role_may_write(made: Made, of_type: Of) -> None:
    config = only(of_type(made(capture={"percent": 5}), "SageMaker::EndpointConfig"))
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 5
