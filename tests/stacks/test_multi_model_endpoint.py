from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.conftest import stand_in

Template = dict[str, Any]
Assemblies = dict[str, tuple[Path, dict[str, Template]]]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

SPEC = {"kind": "multi-model", "models": ["digits", "minilm"], "instance_type": "ml.c7i.xlarge"}
BUCKET = "cdk-hnb659fds-assets-444455556666-eu-west-1"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"


def only(resources: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(resources) == 1
    properties: dict[str, Any] = resources[0]["Properties"]
    return properties


def container(template: Template, of_type: Of) -> dict[str, Any]:
    found: dict[str, Any] = only(of_type(template, "SageMaker::Model"))["PrimaryContainer"]
    return found


def statements(template: Template, of_type: Of, service: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in of_type(template, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if str(statement["Action"]).startswith(service)
    ]


@pytest.fixture
def library(template: Get) -> Template:
    return template("prod", "model-library")


@pytest.fixture
def made(synth: Synth) -> Callable[..., Template]:
    """Synthesise one multi-model endpoint; given is what differs, None removes a key."""

    def run(**changed: Any) -> Template:
        spec = {key: value for key, value in {**SPEC, **changed}.items() if value is not None}
        return synth(spec, {})["slipway-test-it"]

    return run


def test_archives_lie_in_one_folder_by_the_names_that_callers_use(
    assemblies: Assemblies, library: Template, of_type: Of
) -> None:
    found = container(library, of_type)
    assert (found["Mode"], found["MultiModelConfig"]) == ("MultiModel", {"ModelCacheSetting": "Enabled"})
    folder = re.fullmatch(rf"s3://{BUCKET}/(slipway/model-library/[0-9a-f]{{64}}/)", found["ModelDataUrl"])
    assert folder is not None
    out, _ = assemblies["prod"]
    entries = json.loads((out / "slipway-prod-model-library.assets.json").read_text(encoding="utf-8"))["files"].values()
    uploaded = {
        destination["objectKey"]: (out / entry["source"]["path"]).read_bytes()
        for entry in entries
        for destination in entry["destinations"].values()
        if destination["bucketName"] == BUCKET and destination["objectKey"].endswith(".tar.gz")
    }
    assert uploaded == {f"{folder[1]}{name}.tar.gz": stand_in(name) for name in ("digits", "minilm", "minilm-fp32")}
    # A template that names them keeps `cdk gc` from deleting them.
    [model] = of_type(library, "SageMaker::Model")
    assert sorted(model["Metadata"]["slipway:archives"]) == sorted(uploaded)


def test_changed_model_is_another_folder_another_model_and_another_config(
    template: Get, synth_changed: Callable[..., dict[str, Template]], of_type: Of
) -> None:
    before = template("prod", "model-library")
    after = synth_changed("prod", minilm=b"other bytes")["slipway-prod-model-library"]
    urls = [container(made, of_type)["ModelDataUrl"] for made in (before, after)]
    assert urls[0] != urls[1]
    assert before["Resources"].keys() == after["Resources"].keys()
    changed = [name for name, entry in before["Resources"].items() if entry != after["Resources"][name]]
    assert [before["Resources"][name]["Type"] for name in changed] == ["AWS::SageMaker::Model"]


def test_order_of_the_models_changes_nothing(made: Callable[..., Template], template: Get, of_type: Of) -> None:
    turned = made(models=["minilm-fp32", "minilm", "digits"])
    urls = [container(one, of_type)["ModelDataUrl"] for one in (turned, template("prod", "model-library"))]
    assert len({url.split("/")[-2] for url in urls}) == 1


def test_role_reads_and_lists_its_own_archives_alone(library: Template, of_type: Of) -> None:
    read, listing = (entry for entry in statements(library, of_type, "s3:") if entry["Action"] != "s3:PutObject")
    assert (read["Action"], listing["Action"]) == ("s3:GetObject", "s3:ListBucket")
    assert read["Resource"] == f"arn:aws:s3:::{BUCKET}/slipway/model-library/*.gz"
    assert listing["Resource"] == f"arn:aws:s3:::{BUCKET}"
    assert listing["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": "444455556666"},
        "StringLike": {"s3:prefix": "slipway/model-library/*"},
    }


def test_folder_of_somebody_else_is_read_below_its_prefix_alone(made: Callable[..., Template], of_type: Of) -> None:
    given = made(models=None, prefix="s3://team-models/of/ours/", prefix_key=KEY)
    found = container(given, of_type)
    assert found["ModelDataUrl"] == "s3://team-models/of/ours/"
    read, listing = statements(given, of_type, "s3:")
    assert read["Resource"] == "arn:aws:s3:::team-models/of/ours/*"
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": "111122223333"}}
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "of/ours/*"}
    assert [entry["Resource"] for entry in statements(given, of_type, "kms:Decrypt")] == [KEY]
    assert "Metadata" not in of_type(given, "SageMaker::Model")[0]


def test_cache_can_be_switched_off(made: Callable[..., Template], of_type: Of) -> None:
    assert container(made(cache=False), of_type)["MultiModelConfig"] == {"ModelCacheSetting": "Disabled"}


def test_torchserve_is_let_load_models(made: Callable[..., Template], of_type: Of) -> None:
    found = container(
        made(server={"name": "torchserve", "install": False}, models=None, prefix="s3://somebody/models/"), of_type
    )
    assert found["Environment"]["TS_ENABLE_MODEL_API"] == "true"


def test_container_starts_without_any_model(library: Template, of_type: Of) -> None:
    [variant] = only(of_type(library, "SageMaker::EndpointConfig"))["ProductionVariants"]
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 600
    assert "ModelDataDownloadTimeoutInSeconds" not in variant
    assert (variant["VariantName"], variant["InitialInstanceCount"]) == ("AllTraffic", 1)


def test_new_version_is_guarded_and_keeps_what_scaling_decided(library: Template, of_type: Of) -> None:
    endpoint = only(of_type(library, "SageMaker::Endpoint"))
    assert endpoint["RetainAllVariantProperties"] is True
    assert len(endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]) == 1
    assert endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    target = only(of_type(library, "ApplicationAutoScaling::ScalableTarget"))
    assert target["ResourceId"] == "endpoint/model-library/variant/AllTraffic"


def test_container_is_isolated_in_the_environments_network(library: Template, of_type: Of) -> None:
    model = only(of_type(library, "SageMaker::Model"))
    assert model["EnableNetworkIsolation"] is True
    assert len(model["VpcConfig"]["Subnets"]) == 2


def test_front_takes_the_models_name_as_the_end_of_its_path(library: Template, of_type: Of) -> None:
    parts = [entry["Properties"]["PathPart"] for entry in of_type(library, "ApiGateway::Resource")]
    assert sorted(parts) == ["ask", "{target}"]
    [function] = of_type(library, "Lambda::Function")
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_TARGET"] == "model"
