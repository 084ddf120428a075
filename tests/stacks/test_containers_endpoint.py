"""Multi-container endpoints and pipelines: one model of several containers on one fleet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

SPEC = {
    "kind": "pipeline",
    "containers": [{"name": "scale", "model": "digit-scaler"}, {"name": "read", "model": "digits"}],
    "instance_type": "ml.c7i.xlarge",
}


def only(resources: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(resources) == 1
    properties: dict[str, Any] = resources[0]["Properties"]
    return properties


@pytest.fixture
def made(synth: Synth) -> Callable[..., Template]:
    """Synthesise one pipeline; given is what differs."""

    def run(**changed: Any) -> Template:
        return synth({**SPEC, **changed}, {})["slipway-test-it"]

    return run


@pytest.mark.parametrize(
    ("endpoint", "mode", "names"),
    [("reading-room", "Direct", ["sentences", "digits"]), ("picture-reader", "Serial", ["scale", "read"])],
)
def test_model_has_a_container_for_each_with_an_archive_of_its_own(
    template: Get, of_type: Of, endpoint: str, mode: str, names: list[str]
) -> None:
    model = only(of_type(template("prod", endpoint), "SageMaker::Model"))
    assert model["InferenceExecutionConfig"] == {"Mode": mode}
    assert [container["ContainerHostname"] for container in model["Containers"]] == names
    assert len({container["ModelDataUrl"] for container in model["Containers"]}) == 2
    assert {container["Mode"] for container in model["Containers"]} == {"SingleModel"}
    assert "PrimaryContainer" not in model
    assert model["EnableNetworkIsolation"] is True
    assert len(model["VpcConfig"]["Subnets"]) == 2


def test_variables_stay_with_their_container(template: Get, of_type: Of) -> None:
    model = only(of_type(template("prod", "reading-room"), "SageMaker::Model"))
    assert [container["Environment"] for container in model["Containers"]] == [
        {"SLIPWAY_THREADS": "2"},
        {"SLIPWAY_THREADS": "1"},
    ]


def test_one_variant_takes_all_requests_and_is_watched_as_a_whole(template: Get, of_type: Of) -> None:
    made = template("prod", "reading-room")
    [variant] = only(of_type(made, "SageMaker::EndpointConfig"))["ProductionVariants"]
    assert (variant["VariantName"], variant["InstanceType"]) == ("AllTraffic", "ml.c7i.xlarge")
    alarms = [alarm["Properties"] for alarm in of_type(made, "CloudWatch::Alarm")]
    dimensions = {tuple(sorted(entry["Name"] for entry in alarm["Dimensions"])) for alarm in alarms}
    assert ("EndpointName", "VariantName") in dimensions
    assert not any("ContainerName" in names for names in dimensions)
    endpoint = only(of_type(made, "SageMaker::Endpoint"))
    assert len(endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]) == 2


def test_fleet_is_scaled_as_a_variant(template: Get, of_type: Of) -> None:
    target = only(of_type(template("prod", "reading-room"), "ApplicationAutoScaling::ScalableTarget"))
    assert target["ResourceId"] == "endpoint/reading-room/variant/AllTraffic"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    fixed = template("prod", "picture-reader")
    assert of_type(fixed, "ApplicationAutoScaling::ScalableTarget") == []
    assert only(of_type(fixed, "SageMaker::Endpoint"))["RetainAllVariantProperties"] is False


def test_front_names_the_container_where_callers_choose(template: Get, of_type: Of) -> None:
    paths = {
        endpoint: sorted(
            part["Properties"]["PathPart"] for part in of_type(template("prod", endpoint), "ApiGateway::Resource")
        )
        for endpoint in ("reading-room", "picture-reader")
    }
    assert paths == {"reading-room": ["reading-room", "{target}"], "picture-reader": ["pictures"]}
    [function] = [
        found["Properties"]["Environment"]["Variables"]
        for found in of_type(template("prod", "reading-room"), "Lambda::Function")
        if "SLIPWAY_ENDPOINT_NAME" in found["Properties"].get("Environment", {}).get("Variables", {})
    ]
    assert function["SLIPWAY_TARGET"] == "container"


def test_everything_the_spec_may_say_reaches_the_fleet(made: Callable[..., Template], of_type: Of) -> None:
    template = made(
        capture={"percent": 7},
        download_timeout_seconds=90,
        instances=3,
        network_isolation=False,
        routing="least-outstanding-requests",
        startup_timeout_seconds=120,
        volume_gib=30,
    )
    config = only(of_type(template, "SageMaker::EndpointConfig"))
    [variant] = config["ProductionVariants"]
    assert variant["InitialInstanceCount"] == 3
    assert variant["VolumeSizeInGB"] == 30
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 120
    assert variant["ModelDataDownloadTimeoutInSeconds"] == 90
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 7
    assert only(of_type(template, "SageMaker::Model"))["EnableNetworkIsolation"] is False


def test_model_of_two_containers_goes_up_once(synth: Synth, of_type: Of) -> None:
    containers = [{"name": name, "model": "digits"} for name in ("one", "two")]
    made = synth({**SPEC, "kind": "multi-container", "containers": containers}, {})["slipway-test-it"]
    model = only(of_type(made, "SageMaker::Model"))
    assert len({container["ModelDataUrl"] for container in model["Containers"]}) == 1
    digests = model["Tags"][0]
    assert digests["Key"] == "slipway:artifacts"
    assert len(set(digests["Value"].split())) == 1


def test_tag_of_fifteen_containers_fits(synth: Synth, of_type: Of) -> None:
    containers = [{"name": f"c{number}", "model": "digits"} for number in range(15)]
    made = synth({**SPEC, "kind": "multi-container", "containers": containers}, {})["slipway-test-it"]
    model = only(of_type(made, "SageMaker::Model"))
    assert len(model["Containers"]) == 15
    assert len(model["Tags"][0]["Value"]) <= 256  # what AWS takes


def test_changed_archive_of_a_container_replaces_the_model(
    template: Get, synth_changed: Callable[..., dict[str, Template]]
) -> None:
    before = template("prod", "picture-reader")["Resources"]
    after = synth_changed("prod", **{"digit-scaler": b"other bytes"})["slipway-prod-picture-reader"]["Resources"]
    assert before.keys() == after.keys()
    [changed] = [name for name, resource in before.items() if resource != after[name]]
    assert before[changed]["Type"] == "AWS::SageMaker::Model"
