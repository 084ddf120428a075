from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import pytest
from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Environment, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from sagemaker_hosting import InvocationFront, SharedResources, Site
from sagemaker_hosting.invocation_front import Target
from slipway.specs import EnvironmentSpec
from slipway.specs.front import Front

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.fixture
def fronted(sources: Path, flags: dict[str, Any]) -> Callable[..., Template]:
    """The template of a front alone."""

    def make(front: Front, target: Target | None = None) -> Template:
        app = App(analytics_reporting=False, builtin_cloud_formation_validation=False, context=flags)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        uploads = DefaultStackSynthesizer()
        stack = Stack(app, "it", env=Environment(account="111122223333", region="eu-west-1"), synthesizer=uploads)
        shared = SharedResources(alarm_topic_arn="arn:topic", capture_bucket="bucket", key_arn="arn:key")
        place = EnvironmentSpec(account="111122223333", region="eu-west-1")
        site = Site(environment=place, shared=shared, source_root=sources, uploads=uploads)
        made = InvocationFront(stack, "Front", endpoint_name="fleet", front=front, site=site, target=target)
        CfnOutput(stack, "Url", value=made.url)
        template: Template = app.synth().get_stack_by_name("it").template
        return template

    return make


@pytest.fixture
def targeted(fronted: Callable[..., Template]) -> Callable[[Target], Template]:
    """The template of a front of an endpoint that hosts several things."""
    return lambda target: fronted(Front(path="/ask"), target)


def test_chat_is_asked_under_openais_path_and_streams(fronted: Callable[..., Template], of_type: Of) -> None:
    made = fronted(Front(path="/v1/chat/completions", response="stream", style="chat", timeout_seconds=120))
    parts = [resource["Properties"]["PathPart"] for resource in of_type(made, "ApiGateway::Resource")]
    [function], [method] = of_type(made, "Lambda::Function"), of_type(made, "ApiGateway::Method")
    assert parts == ["v1", "chat", "completions"]
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_STYLE"] == "chat"
    assert method["Properties"]["Integration"]["ResponseTransferMode"] == "STREAM"
    assert str(made["Outputs"]["Url"]["Value"]).count("/v1/chat/completions") == 1


def test_gateway_of_a_chat_answers_errors_in_openais_form(fronted: Callable[..., Template], of_type: Of) -> None:
    made = fronted(Front(path="/chat", response="stream", style="chat"))
    said = {
        it["Properties"]["ResponseType"]: it["Properties"]["ResponseTemplates"]["application/json"]
        for it in of_type(made, "ApiGateway::GatewayResponse")
    }
    filled = said["DEFAULT_5XX"].replace("$context.error.messageString", '"Internal server error"')
    assert json.loads(filled)["error"] == {
        "message": "Internal server error",
        "type": "server_error",
        "param": None,
        "code": "internal",
    }
    assert json.loads(said["THROTTLED"])["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("target", get_args(Target))
def test_path_names_one_of_several(targeted: Callable[[Target], Template], of_type: Of, target: Target) -> None:
    made = targeted(target)
    [method], [function] = of_type(made, "ApiGateway::Method"), of_type(made, "Lambda::Function")
    parts = [resource["Properties"]["PathPart"] for resource in of_type(made, "ApiGateway::Resource")]
    assert parts == ["ask", "{target}"]
    assert method["Properties"]["RequestParameters"]["method.request.path.target"] is True
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_TARGET"] == target
    assert made["Outputs"]["Url"]["Value"]["Fn::Join"][1][-1] == "/ask/{target}"


def test_function_may_ask_the_endpoints_components_and_no_others(
    targeted: Callable[[Target], Template], of_type: Of
) -> None:
    allowed = {
        target: [
            str(resource).rsplit(":", maxsplit=1)[-1]
            for policy in of_type(targeted(target), "IAM::Policy")
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Action"] == "sagemaker:InvokeEndpoint"
            for resource in (statement["Resource"] if target == "component" else [statement["Resource"]])
        ]
        for target in get_args(Target)
    }
    assert allowed["component"] == ["endpoint/fleet", "inference-component/fleet-*"]
    assert allowed["model"] == allowed["container"] == ["endpoint/fleet"]


def test_stream_is_called_and_passed_on_as_a_stream(
    synth: Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]], of_type: Of
) -> None:
    made = synth({"front": {"path": "/embed", "response": "stream", "timeout_seconds": 482}}, {})["slipway-test-it"]
    [method], [function] = of_type(made, "ApiGateway::Method"), of_type(made, "Lambda::Function")
    integration = method["Properties"]["Integration"]
    assert integration["ResponseTransferMode"] == "STREAM"
    assert integration["TimeoutInMillis"] == 482_000
    uri = [part for part in integration["Uri"]["Fn::Join"][1] if isinstance(part, str)]
    assert uri[0].endswith(":lambda:path/2021-11-15/functions/")
    assert uri[-1] == "/response-streaming-invocations"
    assert (function["Properties"]["Runtime"], function["Properties"]["Handler"]) == ("nodejs24.x", "index.handler")
    assert function["Properties"]["Timeout"] == 481
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_READ_TIMEOUT_SECONDS"] == "480"
    [statement] = [
        statement
        for policy in of_type(made, "IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "sagemaker:InvokeEndpointWithResponseStream" in statement["Action"]
    ]
    assert statement["Action"] == ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    assert statement["Resource"] == "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/it"
