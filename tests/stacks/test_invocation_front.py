from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]


@pytest.fixture
def front(template: Get) -> Template:
    return template("prod", "sentence-embedder")


def test_callers_sign_their_requests(front: Template, of_type: Of) -> None:
    [method] = of_type(front, "ApiGateway::Method")
    assert (method["Properties"]["HttpMethod"], method["Properties"]["AuthorizationType"]) == ("POST", "AWS_IAM")


@pytest.mark.parametrize(("endpoint", "seconds"), [("sentence-embedder", 5), ("digit-reader", 29)])
def test_time_runs_out_from_the_inside(template: Get, of_type: Of, endpoint: str, seconds: int) -> None:
    made = template("prod", endpoint)
    [method], [function] = of_type(made, "ApiGateway::Method"), of_type(made, "Lambda::Function")
    integration = method["Properties"]["Integration"]["TimeoutInMillis"] / 1000
    timeout = function["Properties"]["Timeout"]
    read = int(function["Properties"]["Environment"]["Variables"]["SLIPWAY_READ_TIMEOUT_SECONDS"])
    assert (integration, timeout, read) == (seconds, seconds - 1, seconds - 2)


def test_bodies_pass_byte_for_byte(front: Template, of_type: Of) -> None:
    [api] = of_type(front, "ApiGateway::RestApi")
    assert api["Properties"]["BinaryMediaTypes"] == ["*/*"]


def test_stage_throttles_traces_and_logs_no_payload(front: Template, of_type: Of) -> None:
    [stage] = of_type(front, "ApiGateway::Stage")
    [settings] = stage["Properties"]["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (50, 100)
    assert settings["DataTraceEnabled"] is False
    assert stage["Properties"]["TracingEnabled"] is True
    assert "DestinationArn" in stage["Properties"]["AccessLogSetting"]
    assert "$context.requestId" in stage["Properties"]["AccessLogSetting"]["Format"]


def test_function_may_invoke_this_endpoint_alone(front: Template, of_type: Of) -> None:
    statements = [
        statement
        for policy in of_type(front, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "sagemaker:InvokeEndpoint"
    ]
    assert [statement["Resource"] for statement in statements] == [
        "arn:aws:sagemaker:eu-west-1:444455556666:endpoint/sentence-embedder"
    ]


def test_address_is_an_output(front: Template) -> None:
    assert front["Outputs"]["FrontUrl"]["Value"]["Fn::Join"][1][-1] == "/embed"


def test_endpoint_without_a_front_has_no_address(
    synth: Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]], of_type: Of
) -> None:
    made = synth({}, {})["slipway-test-it"]
    assert of_type(made, "ApiGateway::RestApi") == of_type(made, "Lambda::Function") == []
    assert made["Outputs"].keys() == {"EndpointName"}


def test_logs_are_kept_as_long_as_the_environment_says(template: Get, of_type: Of) -> None:
    for environment, days in (("local", 1), ("dev", 7), ("staging", 90), ("prod", 365)):
        groups = of_type(template(environment, "sentence-embedder"), "Logs::LogGroup")
        assert len(groups) == 4
        assert {group["Properties"]["RetentionInDays"] for group in groups} == {days}
