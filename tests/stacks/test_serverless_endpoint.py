from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

SERVERLESS = {"kind": "serverless", "model": "digits"}


@pytest.fixture
def reader(template: Callable[[str, str], Template]) -> Template:
    return template("prod", "digit-reader")


def test_config_gives_memory_and_concurrency_and_no_machine(reader: Template, of_type: Of) -> None:
    [config] = of_type(reader, "SageMaker::EndpointConfig")
    [variant] = config["Properties"]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MaxConcurrency": 20, "MemorySizeInMB": 1024}
    assert not {"InstanceType", "InitialInstanceCount", "VolumeSizeInGB"} & variant.keys()
    assert config["Properties"]["KmsKeyId"] == {"Fn::ImportValue": "slipway-prod-shared-KeyArn"}


def test_nothing_that_sagemaker_refuses_a_serverless_endpoint_is_asked_for(reader: Template, of_type: Of) -> None:
    [model] = of_type(reader, "SageMaker::Model")
    [config] = of_type(reader, "SageMaker::EndpointConfig")
    [endpoint] = of_type(reader, "SageMaker::Endpoint")
    assert not {"EnableNetworkIsolation", "VpcConfig", "ModelName"} & model["Properties"].keys()
    assert not {"DataCaptureConfig", "EndpointConfigName"} & config["Properties"].keys()
    assert endpoint["Properties"].keys() == {"EndpointName", "EndpointConfigName"}
    assert of_type(reader, "ApplicationAutoScaling::ScalableTarget") == []


def test_model_waits_for_the_roles_policy(reader: Template, of_type: Of) -> None:
    [model] = of_type(reader, "SageMaker::Model")
    assert [reader["Resources"][name]["Type"] for name in model["DependsOn"]] == ["AWS::IAM::Policy"]


def test_alarms_watch_its_one_variant(reader: Template, of_type: Of) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(reader, "CloudWatch::Alarm")]
    assert {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms} == {
        "Invocation5XXErrors": 0.01,
        "MemoryUtilization": 90,
        "ModelLatency": 500_000,
    }
    for alarm in alarms:
        assert {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]} == {
            "EndpointName": "digit-reader",
            "VariantName": "AllTraffic",
        }


def test_copies_are_kept_warm_when_the_spec_says_how_many(synth: Synth, of_type: Of) -> None:
    template = synth({**SERVERLESS, "provisioned_concurrency": 3}, {})["slipway-test-it"]
    [config] = of_type(template, "SageMaker::EndpointConfig")
    [variant] = config["Properties"]["ProductionVariants"]
    assert variant["ServerlessConfig"]["ProvisionedConcurrency"] == 3
    assert of_type(template, "ApplicationAutoScaling::ScalableTarget") == []


def test_warm_copies_follow_their_use_from_the_least_of_the_spec(synth: Synth, of_type: Of) -> None:
    scaling = {"provisioned": {"min": 2, "max": 10}, "target": 0.6, "scale_in_cooldown_seconds": 0}
    template = synth({**SERVERLESS, "scaling": scaling}, {})["slipway-test-it"]
    [config] = of_type(template, "SageMaker::EndpointConfig")
    assert config["Properties"]["ProductionVariants"][0]["ServerlessConfig"]["ProvisionedConcurrency"] == 2
    [target] = of_type(template, "ApplicationAutoScaling::ScalableTarget")
    assert target["Properties"]["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert target["Properties"]["ResourceId"] == "endpoint/it/variant/AllTraffic"
    assert (target["Properties"]["MinCapacity"], target["Properties"]["MaxCapacity"]) == (2, 10)
    assert [template["Resources"][name]["Type"] for name in target["DependsOn"]] == ["AWS::SageMaker::Endpoint"]
    [policy] = of_type(template, "ApplicationAutoScaling::ScalingPolicy")
    assert policy["Properties"]["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
        "ScaleInCooldown": 0,
        "ScaleOutCooldown": 60,
        "TargetValue": 0.6,
    }
