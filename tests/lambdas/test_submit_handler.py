"""The function behind an asynchronous endpoint's front, against the local cloud: real S3, a real queue and model."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from slipway import local_cloud
from tests.local_cloud.conftest import BUCKET, REQUEST, Aws, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.local_cloud

HANDLER = Path(__file__).parents[2] / "lambdas" / "submit" / "handler.py"
OUTPUT = {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"}


class Context:
    """What Lambda hands to a handler, as far as this one looks."""

    aws_request_id = "lambda-1"


class Front:
    """The function, asked as API Gateway asks it."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def post(self, body: bytes = REQUEST, **headers: str) -> dict[str, Any]:
        event = {
            "httpMethod": "POST",
            "path": "/documents",
            "headers": {"Content-Type": "application/json", **headers},
            "requestContext": {"requestId": "gateway-1", "path": "/live/documents"},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer: dict[str, Any] = self._module.handle(event, Context())
        return answer

    def get(self, name: str) -> dict[str, Any]:
        event = {"httpMethod": "GET", "path": f"/documents/{name}", "headers": None, "pathParameters": {"id": name}}
        answer: dict[str, Any] = self._module.handle(event, Context())
        return answer

    def result(self, name: str) -> dict[str, Any]:
        eventually(lambda: self.get(name)["statusCode"] != 202)
        return self.get(name)


@pytest.fixture(scope="module")
def _cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_cloud.Cloud]:
    started = local_cloud.start(tmp_path_factory.mktemp("project"), leash=True)
    yield started
    local_cloud.stop(started)


@pytest.fixture(scope="module")
def aws(_cloud: local_cloud.Cloud) -> Aws:
    """The account, with an asynchronous endpoint that always finds a seven."""
    aws = Aws(_cloud)
    aws.model("seven", 7)
    aws.config("queued", {"ModelName": "seven", "VariantName": "main"}, AsyncInferenceConfig={"OutputConfig": OUTPUT})
    aws.endpoint("reader", "queued")
    return aws


@pytest.fixture
def front(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Front:
    """The function's module, loaded as Lambda loads it: alone, with its variables set."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another test's, which keeps that test's credentials
    settings = {
        **aws.cloud.environment(),
        "AWS_SECRET_ACCESS_KEY": "test",  # as the emulator gives it to functions, and checks links with
        "SLIPWAY_BUCKET": BUCKET,
        "SLIPWAY_ENDPOINT_NAME": "reader",
        "SLIPWAY_INVOCATION_TIMEOUT_SECONDS": "60",
        "SLIPWAY_READ_TIMEOUT_SECONDS": "60",
        "SLIPWAY_REQUEST_TTL_SECONDS": "600",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("submit_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Front(module)


def body(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def ticket(aws: Aws, name: str, *, age: float, output: bytes | None = None, failure: bytes | None = None) -> str:
    """Write what a request of some age, and SageMaker after it, would have left in the bucket."""
    name = f"{name:0>32}"
    written = {"output": f"output/{name}.out", "failure": f"failure/{name}.out", "submitted": time.time() - age}
    aws.upload(f"tickets/{name}", json.dumps(written).encode())
    for folder, content in (("output", output), ("failure", failure)):
        if content is not None:
            aws.s3.put_object(
                Bucket=BUCKET, Key=f"{folder}/{name}.out", Body=content, ContentType="application/octet-stream"
            )
    return name


def test_request_is_taken_on_and_its_answer_fetched(front: Front, aws: Aws) -> None:
    taken = front.post()
    name = body(taken)["id"]
    assert (taken["statusCode"], taken["headers"]["Retry-After"]) == (202, "2")
    assert re.fullmatch(r"[0-9a-f]{32}", name)
    assert taken["headers"]["Location"] == f"/live/documents/{name}"
    assert taken["headers"]["X-Request-Id"] == "gateway-1"
    assert aws.s3.get_object(Bucket=BUCKET, Key=f"input/front/{name}")["Body"].read() == REQUEST
    answer = front.result(name)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json")
    assert body(answer)["predictions"][0]["label"] == "7"
    assert body(front.post())["id"] != name


def test_model_gets_what_kinds_the_caller_sends_and_takes(front: Front) -> None:
    answer = front.result(body(front.post(Accept="application/x-npy"))["id"])
    assert (answer["headers"]["Content-Type"], answer["isBase64Encoded"]) == ("application/x-npy", True)
    assert base64.b64decode(answer["body"]).startswith(b"\x93NUMPY")


def test_request_is_waiting_while_the_fleet_sleeps(front: Front, aws: Aws) -> None:
    def capacity(count: int) -> None:
        aws.settled("reader")
        aws.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="reader", DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": count}]
        )
        aws.settled("reader")

    capacity(0)
    name = body(front.post())["id"]
    waiting = front.get(name)
    assert (waiting["statusCode"], body(waiting)) == (202, {"id": name, "status": "waiting"})
    assert waiting["headers"]["Retry-After"] == "2"
    capacity(1)
    assert front.result(name)["statusCode"] == 200


def test_models_refusal_keeps_its_status_and_words(front: Front) -> None:
    answer = front.result(body(front.post(b"not json"))["id"])
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    ("said", "age", "status", "code"),
    [
        (b'{"error":{"code":"internal_error","message":"secret"}}', 1, 502, "model_failed"),
        (b"Received server error (500) from primary: secret", 1, 502, "model_failed"),
        (b'{"error":{"code":["internal_error"]}}', 1, 502, "model_failed"),
        (b"\xff", 1, 502, "model_failed"),
        (b"The request has been in the queue for too long: secret", 601, 410, "expired"),
    ],
)
def test_failure_is_the_models_or_the_queues_and_keeps_secrets(
    front: Front, aws: Aws, said: bytes, age: float, status: int, code: str
) -> None:
    answer = front.get(ticket(aws, "f", age=age, failure=said))
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (status, code)
    assert "secret" not in answer["body"]


def test_request_is_gone_when_nothing_came_of_it_in_time(front: Front, aws: Aws) -> None:
    assert front.get(ticket(aws, "a", age=715))["statusCode"] == 202
    answer = front.get(ticket(aws, "b", age=725))
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (410, "expired")


@pytest.mark.parametrize("name", ["0" * 31 + "9", "../output/x", "F" * 32, ""])
def test_id_is_unknown_when_nobody_got_it(front: Front, name: str) -> None:
    answer = front.get(name)
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (404, "unknown")


def test_large_answer_is_fetched_from_a_link(front: Front, aws: Aws) -> None:
    small, large = b"\x00" * (4 * 1024 * 1024), b"\x01" * (4 * 1024 * 1024 + 1)
    inline = front.get(ticket(aws, "c", age=1, output=small))
    assert base64.b64decode(inline["body"]) == small
    elsewhere = front.get(ticket(aws, "d", age=1, output=large))
    assert (elsewhere["statusCode"], body(elsewhere)["location"]) == (303, elsewhere["headers"]["Location"])
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in elsewhere["headers"]["Location"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(elsewhere["headers"]["Location"], timeout=240) as found:
        assert found.read() == large


def test_request_is_refused_when_it_is_empty(front: Front) -> None:
    answer = front.post(b"")
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (400, "empty")


def test_front_is_unavailable_when_the_endpoint_is(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_ENDPOINT_NAME", "gone")
    answer = front.post()
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")


def test_defect_is_an_internal_error_that_tells_nothing(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_BUCKET", "a-bucket-that-is-not-there")
    answer = front.post()
    assert (answer["statusCode"], body(answer)["error"]["code"]) == (500, "internal")
    assert "bucket" not in answer["body"]


def test_log_line_tells_the_facts_and_neither_the_payload_nor_the_id(
    front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    name = body(front.post(b'{"inputs": ["secret"]}'))["id"]
    front.get("0" * 32)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["status"]) for line in lines] == [("INFO", 202), ("WARNING", 404)]
    assert lines[0]["request_id"] == "gateway-1"
    assert lines[1]["error"] == "FrontError"
    assert "secret" not in str(lines)
    assert name not in str(lines)


def test_only_scripts_of_the_named_sites_may_read(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_ORIGINS", "https://a.example https://b.example")
    named, other = front.post(Origin="https://b.example"), front.post(Origin="https://c.example")
    assert named["headers"]["Access-Control-Allow-Origin"] == "https://b.example"
    assert "Location" in named["headers"]["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in other["headers"]
    assert named["headers"]["Vary"] == other["headers"]["Vary"] == "Origin"
    monkeypatch.setenv("SLIPWAY_ORIGINS", "*")
    assert front.get("0" * 32)["headers"]["Access-Control-Allow-Origin"] == "*"
