"""Asynchronous endpoints: every request that is taken on ends as one answer or one failure."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from slipway.local_cloud.backlog import Backlog
from slipway.local_cloud.endpoint import Endpoint
from slipway.local_cloud.meter import Meter
from slipway.local_cloud.metrics import Metrics
from slipway.local_cloud.places import Place
from slipway.local_cloud.results import Request, Results
from tests.local_cloud.conftest import BUCKET, REQUEST, alive, eventually, refusal

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

OUTPUT = {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def asynchronous(aws: Aws, *, concurrency: int = 4, **output: Any) -> None:
    """Host the model that always finds a seven."""
    aws.model("seven", 7)
    settings = {
        "OutputConfig": {**OUTPUT, **output},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": concurrency},
    }
    aws.config("one", {"ModelName": "seven", "VariantName": "main"}, AsyncInferenceConfig=settings)
    aws.endpoint("reader", "one")


def submit(aws: Aws, body: bytes = REQUEST, **more: Any) -> dict[str, Any]:
    location = aws.upload("input/request.json" if body == REQUEST else "input/nonsense", body)
    asked = {"InputLocation": location, "ContentType": "application/json", **more}
    answer: dict[str, Any] = aws.runtime.invoke_endpoint_async(EndpointName="reader", **asked)
    return answer


def written(aws: Aws, location: str) -> bytes | None:
    parts = urlsplit(location)
    try:
        body: bytes = aws.s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    except ClientError:
        return None
    return body


def keys(aws: Aws, folder: str) -> list[str]:
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/").get("Contents", [])
    return [entry["Key"] for entry in found]


def backlog(aws: Aws) -> int:
    (found,) = [running for running in aws.cloud.endpoints() if running.name == "reader"]
    return found.backlog


@pytest.fixture(autouse=True)
def _empty_folders(aws: Aws) -> None:
    aws.upload("input/request.json", REQUEST)
    for folder in ("output", "failure"):
        for key in keys(aws, folder):
            aws.s3.delete_object(Bucket=BUCKET, Key=key)


def inbox(aws: Aws, name: str) -> tuple[str, str]:
    """A topic, and a queue that hears it."""
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    queues = aws.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def heard(aws: Aws, url: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def receive() -> bool:
        found.extend(aws.client("sqs").receive_message(QueueUrl=url).get("Messages", []))
        return bool(found)

    eventually(receive)
    message: dict[str, Any] = json.loads(json.loads(found[0]["Body"])["Message"])
    return message


def test_answer_lies_in_s3_where_the_call_said(aws: Aws) -> None:
    asynchronous(aws)
    answer = submit(aws, InferenceId="mine")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert re.fullmatch(rf"s3://{BUCKET}/output/[0-9a-f-]{{36}}\.out", answer["OutputLocation"])
    assert re.fullmatch(rf"s3://{BUCKET}/failure/[0-9a-f-]{{36}}-error\.out", answer["FailureLocation"])
    eventually(lambda: written(aws, answer["OutputLocation"]) is not None)
    assert json.loads(written(aws, answer["OutputLocation"]) or b"")["predictions"][0]["label"] == "7"
    assert written(aws, answer["FailureLocation"]) is None
    described = aws.sagemaker.describe_endpoint(EndpointName="reader")
    assert described["AsyncInferenceConfig"]["OutputConfig"] == OUTPUT
    eventually(lambda: backlog(aws) == 0)


def test_failure_lies_in_s3_when_the_model_refuses_or_the_input_is_gone(aws: Aws) -> None:
    asynchronous(aws)
    refused, gone = submit(aws, b"not json"), submit(aws, InputLocation=f"s3://{BUCKET}/input/gone")
    for answer in (refused, gone):
        eventually(lambda answer=answer: written(aws, answer["FailureLocation"]) is not None)  # type: ignore[misc]
        assert written(aws, answer["OutputLocation"]) is None
    assert json.loads(written(aws, refused["FailureLocation"]) or b"")["error"]["code"]
    assert f"Failed to download the payload at s3://{BUCKET}/input/gone".encode() in (
        written(aws, gone["FailureLocation"]) or b""
    )


def test_results_are_announced_as_aws_writes_them(aws: Aws) -> None:
    success, successes = inbox(aws, "success")
    error, errors = inbox(aws, "error")
    asynchronous(aws, NotificationConfig={"SuccessTopic": success, "ErrorTopic": error})
    done, failed = submit(aws, InferenceId="good"), submit(aws, b"not json", InferenceId="bad")
    message = heard(aws, successes)
    assert re.fullmatch(STAMP, message.pop("eventTime"))
    assert re.fullmatch(STAMP, message.pop("receivedTime"))
    common = {
        "awsRegion": "us-east-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    asked = {"contentType": "application/json", "endpointName": "reader"}
    assert message == {
        **common,
        "inferenceId": "good",
        "invocationStatus": "Completed",
        "requestParameters": {**asked, "inputLocation": f"s3://{BUCKET}/input/request.json"},
        "responseParameters": {"contentType": "application/json", "outputLocation": done["OutputLocation"]},
    }
    message = heard(aws, errors)
    assert (message["invocationStatus"], message["inferenceId"]) == ("Failed", "bad")
    assert "Received client error (400) from primary" in message["failureReason"]
    assert "responseParameters" not in message
    assert written(aws, failed["FailureLocation"]) is not None  # it was there before it was announced


def test_every_request_ends_as_one_result_or_one_failure_when_the_server_is_killed(aws: Aws) -> None:
    asynchronous(aws, concurrency=2)
    pid = aws.server("reader").pid
    assert pid is not None
    requests = [REQUEST if number % 3 else b"not json" for number in range(30)]
    answers = [submit(aws, request) for request in requests[:20]]
    os.kill(pid, signal.SIGKILL)
    answers += [submit(aws, request) for request in requests[20:]]  # while nobody is there
    eventually(lambda: not alive(pid))
    answers += [submit(aws, REQUEST if number % 3 else b"not json") for number in range(30)]
    eventually(lambda: backlog(aws) == 0)
    assert aws.server("reader").pid != pid
    results = {f"s3://{BUCKET}/{key}" for key in keys(aws, "output")}
    failures = {f"s3://{BUCKET}/{key}" for key in keys(aws, "failure")}
    assert results == {answer["OutputLocation"] for number, answer in enumerate(answers) if number % 3}
    assert failures == {answer["FailureLocation"] for number, answer in enumerate(answers) if number % 3 == 0}


def test_model_gets_as_many_requests_at_once_as_the_config_says_and_as_long_as_the_caller_says(aws: Aws) -> None:
    asynchronous(aws, concurrency=2)
    pid = aws.server("reader").pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    answers = [submit(aws, InvocationTimeoutSeconds=1) for _ in range(4)]
    eventually(lambda: backlog(aws) == 0)
    os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - begun >= 1.9  # two after two; all at once would take one second
    reasons = {written(aws, answer["FailureLocation"]) for answer in answers}
    assert len(reasons) == 1
    assert b"Your invocation timed out" in (reasons.pop() or b"")


def test_request_fails_when_it_has_waited_too_long(aws: Aws) -> None:
    aws.upload("input/request.json", REQUEST)
    place = Place("000000000000", "us-east-1")
    request = Request(
        place=place,
        endpoint="asleep",
        config={"OutputConfig": OUTPUT},
        inference_id="late",
        input_location=f"s3://{BUCKET}/input/request.json",
        output_location=f"s3://{BUCKET}/output/late.out",
        failure_location=f"s3://{BUCKET}/failure/late-error.out",
        headers={},
        ttl_seconds=60,
        timeout_seconds=60,
        received=time.time() - 61,
    )

    async def wait() -> None:
        dice, meter = random.Random(), Meter(Metrics())  # noqa: S311  shares out traffic
        queue = Backlog(Endpoint(place, "asleep", "one", {}), Results(aws.cloud.url), dice, meter)
        queue.submit(request)
        await asyncio.sleep(0.01)
        await queue.finished()

    asyncio.run(wait())
    assert b"longer than its time to live" in (written(aws, f"s3://{BUCKET}/failure/late-error.out") or b"")
    assert keys(aws, "output") == []


def resize(aws: Aws, instances: int) -> None:
    wanted = [{"VariantName": "main", "DesiredInstanceCount": instances}]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName="reader", DesiredWeightsAndCapacities=wanted)


def test_requests_wait_while_the_fleet_sleeps_and_over_an_update(aws: Aws) -> None:
    asynchronous(aws)
    pid = aws.server("reader").pid
    assert pid is not None
    resize(aws, 0)
    answers = [submit(aws) for _ in range(30)]
    eventually(lambda: not alive(pid) and aws.server("reader").asleep)
    assert (backlog(aws), keys(aws, "output")) == (30, [])
    aws.model("two", 2)
    aws.config("two", {"ModelName": "two", "VariantName": "main"}, AsyncInferenceConfig={"OutputConfig": OUTPUT})
    aws.sagemaker.update_endpoint(EndpointName="reader", EndpointConfigName="two")
    eventually(lambda: backlog(aws) == 0)
    labels = [json.loads(written(aws, found["OutputLocation"]) or b"")["predictions"][0]["label"] for found in answers]
    assert labels == ["2"] * 30


def test_waiting_requests_are_forgotten_when_the_endpoint_is_deleted(aws: Aws) -> None:
    asynchronous(aws)
    resize(aws, 0)
    submit(aws)
    aws.sagemaker.delete_endpoint(EndpointName="reader")
    eventually(lambda: not aws.sagemaker.list_endpoints()["Endpoints"])
    assert keys(aws, "output") == keys(aws, "failure") == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"InputLocation": "request.json"}, "'inputLocation' failed to satisfy constraint"),
        ({"RequestTTLSeconds": 59}, "'requestTTLSeconds' failed to satisfy constraint"),
        ({"RequestTTLSeconds": 21_601}, "'requestTTLSeconds' failed to satisfy constraint"),
        ({"InvocationTimeoutSeconds": 3601}, "'invocationTimeoutSeconds' failed to satisfy constraint"),
        ({"Filename": "mine.json"}, "Filename is not modelled in Slipway's local cloud"),
        ({"Body": b"{}"}, "Body is not modelled in Slipway's local cloud"),
    ],
)
def test_request_is_refused_at_once_when_it_is_wrong(aws: Aws, more: dict[str, Any], message: str) -> None:
    asynchronous(aws)
    with pytest.raises(ClientError) as error:
        submit(aws, **more)
    assert refusal(error)[0] == "ValidationError"
    assert message in refusal(error)[1]
    assert backlog(aws) == 0


def test_each_kind_refuses_the_others_call(aws: Aws) -> None:
    asynchronous(aws)
    with pytest.raises(ClientError, match="Endpoint reader is asynchronous: use InvokeEndpointAsync"):
        aws.invoke("reader")
    aws.config("plain", {"ModelName": "seven"})
    aws.endpoint("plain", "plain")
    with pytest.raises(ClientError, match="Endpoint plain is not asynchronous: use InvokeEndpoint"):
        aws.runtime.invoke_endpoint_async(EndpointName="plain", InputLocation=f"s3://{BUCKET}/input/request.json")


@pytest.mark.parametrize(
    ("variants", "output", "message"),
    [
        (2, {}, "exactly one production variant"),
        (1, {"NotificationConfig": {"IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]}}, "not modelled"),
    ],
)
def test_config_that_cannot_be_queued_for_is_refused(
    aws: Aws, variants: int, output: dict[str, Any], message: str
) -> None:
    aws.model("seven", 7)
    named = [{"ModelName": "seven", "VariantName": f"v{number}"} for number in range(variants)]
    with pytest.raises(ClientError, match=message):
        aws.config("bad", *named, AsyncInferenceConfig={"OutputConfig": {**OUTPUT, **output}})


def test_shadow_beside_a_queue_is_refused(aws: Aws) -> None:
    aws.model("seven", 7)
    shadow = {"ModelName": "seven", "VariantName": "shadow", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="ShadowProductionVariants are not supported with AsyncInferenceConfig"):
        aws.config(
            "bad",
            {"ModelName": "seven", "VariantName": "main"},
            AsyncInferenceConfig={"OutputConfig": OUTPUT},
            ShadowProductionVariants=[shadow],
        )
