from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]


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
        "ModelLatency": 500_000,
    }
    for alarm in alarms:
        assert {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]} == {
            "EndpointName": "digit-reader",
            "VariantName": "AllTraffic",
        }
