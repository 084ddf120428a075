from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stacks.test_async_endpoint import KEY, named

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]

SPEC = {"kind": "async", "model": "digits", "instance_type": "ml.c7i.xlarge"}


@pytest.fixture
def embedder(template: Get) -> Template:
    return template("prod", "document-embedder")


def test_post_submits_and_get_polls_and_both_are_signed(embedder: Template, of_type: Of) -> None:
    methods = [method["Properties"] for method in of_type(embedder, "ApiGateway::Method")]
    assert [(method["HttpMethod"], method["AuthorizationType"]) for method in methods] == [
        ("POST", "AWS_IAM"),
        ("GET", "AWS_IAM"),
    ]
    parts = [resource["Properties"]["PathPart"] for resource in of_type(embedder, "ApiGateway::Resource")]
    assert parts == ["documents", "{id}"]
    assert methods[0]["RequestParameters"] == {"method.request.header.Content-Type": True}
    assert embedder["Outputs"]["FrontUrl"]["Value"]["Fn::Join"][1][-1].endswith("/documents")


def test_function_may_submit_and_read_results_and_nothing_else(embedder: Template, of_type: Of) -> None:
    bucket = named(embedder, "EndpointRequests")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}

    def inside(folder: str) -> dict[str, Any]:
        return {"Fn::Join": ["", [arn, folder]]}

    [policy] = [
        policy["Properties"]["PolicyDocument"]["Statement"]
        for policy in of_type(embedder, "IAM::Policy")
        if "FunctionRole" in policy["Properties"]["Roles"][0]["Ref"]
    ]
    granted = {
        (action, str(resource))
        for entry in policy
        for action in (entry["Action"] if isinstance(entry["Action"], list) else [entry["Action"]])
        for resource in (entry["Resource"] if isinstance(entry["Resource"], list) else [entry["Resource"]])
        if not action.startswith(("logs:", "xray:"))
    }
    assert granted == {
        (
            "sagemaker:InvokeEndpointAsync",
            "arn:aws:sagemaker:eu-west-1:444455556666:endpoint/document-embedder",
        ),
        ("kms:Decrypt", str(KEY)),
        ("kms:GenerateDataKey", str(KEY)),
        ("s3:PutObject", str(inside("/input/front/*"))),
        ("s3:PutObject", str(inside("/tickets/*"))),
        ("s3:GetObject", str(inside("/tickets/*"))),
        ("s3:GetObject", str(inside("/output/*"))),
        ("s3:GetObject", str(inside("/failure/*"))),
        ("s3:ListBucket", str(arn)),
    }


def test_function_learns_how_long_a_request_may_wait(embedder: Template, of_type: Of) -> None:
    [function] = [
        found["Properties"]
        for found in of_type(embedder, "Lambda::Function")
        if "SLIPWAY_BUCKET" in found["Properties"].get("Environment", {}).get("Variables", {})
    ]
    assert function["Timeout"] == 9
    assert function["Environment"]["Variables"] == {
        "SLIPWAY_BUCKET": {"Ref": named(embedder, "EndpointRequests")},
        "SLIPWAY_ENDPOINT_NAME": "document-embedder",
        "SLIPWAY_INVOCATION_TIMEOUT_SECONDS": "900",
        "SLIPWAY_READ_TIMEOUT_SECONDS": "2",
        "SLIPWAY_REQUEST_TTL_SECONDS": "3600",
    }


def test_asynchronous_endpoint_without_a_front_has_no_address(synth: Synth, of_type: Of) -> None:
    made = synth(SPEC, {})["slipway-test-it"]
    assert of_type(made, "ApiGateway::RestApi") == []
    assert "FrontUrl" not in made["Outputs"]


def test_front_of_keys_and_browsers_asks_for_both_on_both_methods(synth: Synth, of_type: Of) -> None:
    cors = {"origins": ["https://app.example.com"]}
    front = {"path": "/documents", "auth": "api-key", "cors": cors}
    made = synth({**SPEC, "front": front}, {})["slipway-test-it"]
    methods = [method["Properties"] for method in of_type(made, "ApiGateway::Method")]
    keyed = {method["HttpMethod"] for method in methods if method.get("ApiKeyRequired", False)}
    assert keyed == {"POST", "GET"}
    assert [method["HttpMethod"] for method in methods].count("OPTIONS") == 2
    [variables] = [
        found["Properties"]["Environment"]["Variables"]
        for found in of_type(made, "Lambda::Function")
        if "SLIPWAY_BUCKET" in found["Properties"].get("Environment", {}).get("Variables", {})
    ]
    assert variables["SLIPWAY_ORIGINS"] == "https://app.example.com"
