"""Serverless variants and fleets of none keep no process: they start with the first request, or with their capacity."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from slipway import local_cloud
from tests.local_cloud.conftest import BUCKET, REQUEST, Aws, alive, eventually, gated, refusal
from tests.local_cloud.test_metrics import published, resize, statistics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module")
def _brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A cloud whose serverless containers stay for five seconds."""
    cloud = local_cloud.start(tmp_path_factory.mktemp("brisk"), leash=True, idle_seconds=5)
    yield Aws(cloud)
    local_cloud.stop(cloud)


@pytest.fixture
def brisk(_brisk: Aws) -> Iterator[Aws]:
    yield _brisk
    _brisk.clean()


def serve(aws: Aws, name: str, content: bytes | None = None, **serverless: int) -> None:
    aws.model(name, 7, content=content)
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 4, **serverless}
    aws.config(name, {"ModelName": name, "VariantName": "main", "ServerlessConfig": config})
    aws.endpoint(name, name)


def test_container_starts_with_the_first_request_and_ends_when_nobody_asks(brisk: Aws) -> None:
    serve(brisk, "cold")
    asleep = brisk.server("cold")
    assert (asleep.pid, asleep.ready, asleep.asleep) == (None, False, True)
    began = time.monotonic()
    assert brisk.label("cold") == "7"
    cold = time.monotonic() - began
    pid = brisk.server("cold").pid
    assert pid is not None
    assert alive(pid)
    began = time.monotonic()
    assert brisk.label("cold") == "7"
    assert time.monotonic() - began < cold
    assert brisk.server("cold").pid == pid
    setup = published(brisk, "ModelSetupTime", "cold", 1, VariantName="main")
    assert setup["SampleCount"] == 1
    assert 0.1e6 < setup["Maximum"] < cold * 1e6
    overhead = published(brisk, "OverheadLatency", "cold", 2, VariantName="main")
    assert (
        overhead["Maximum"]
        >= setup["Maximum"]
        > statistics(brisk, "ModelLatency", "cold", VariantName="main")["Maximum"]
    )
    eventually(lambda: not alive(pid) and brisk.server("cold").asleep)
    assert brisk.label("cold") == "7"
    assert published(brisk, "ModelSetupTime", "cold", 2, VariantName="main")["SampleCount"] == 2


def test_all_who_come_first_wait_for_one_container_and_more_than_max_concurrency_are_throttled(
    brisk: Aws, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    serve(brisk, "rush", gated(7, gate))
    gate.touch()
    labels: list[str] = []
    codes: list[str] = []

    def ask() -> None:
        try:
            labels.append(brisk.label("rush"))
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    callers = [threading.Thread(target=ask) for _ in range(8)]
    for caller in callers:
        caller.start()
    eventually(lambda: len(codes) == 4)
    gate.unlink()
    for caller in callers:
        caller.join()
    assert labels == ["7"] * 4
    assert codes == ["ThrottlingException"] * 4
    main = {"VariantName": "main"}
    assert published(brisk, "ModelSetupTime", "rush", 1, **main)["SampleCount"] == 1
    assert published(brisk, "Invocations", "rush", 4, **main)["Sum"] == 4
    assert statistics(brisk, "ServerlessConcurrentExecutionsUtilization", "rush", **main)["Maximum"] <= 1
    for name in ("InvocationModelErrors", "InvocationsPerInstance", "ConcurrentRequestsPerModel"):
        assert statistics(brisk, name, "rush", **main) is None


def test_provisioned_concurrency_keeps_a_container_warm(brisk: Aws) -> None:
    serve(brisk, "warm", ProvisionedConcurrency=1)
    pid = brisk.server("warm").pid
    assert pid is not None
    time.sleep(7)
    assert brisk.server("warm").pid == pid
    assert brisk.label("warm") == "7"
    main = {"VariantName": "main"}
    assert published(brisk, "ServerlessProvisionedConcurrencyInvocations", "warm", 1, **main)["Sum"] == 1
    assert published(brisk, "ServerlessProvisionedConcurrencyUtilization", "warm", 2, **main)["Maximum"] <= 1
    assert statistics(brisk, "ModelSetupTime", "warm", **main) is None


def test_request_is_told_when_its_container_no_longer_starts(brisk: Aws) -> None:
    serve(brisk, "broken")
    (model,) = brisk.cloud.state_folder.glob("models/*/main/model/model.onnx")
    model.write_bytes(b"no model any more")
    with pytest.raises(ClientError) as error:
        brisk.invoke("broken")
    assert refusal(error)[0] == "ModelError"
    assert "did not pass the ping health check" in refusal(error)[1]
    assert brisk.server("broken").asleep
    assert published(brisk, "Invocation5XXErrors", "broken", 1, VariantName="main")["Sum"] == 1


def test_request_waits_for_its_container_while_its_endpoint_is_updated(brisk: Aws) -> None:
    serve(brisk, "moving")
    brisk.model("moving-new", 8)
    config: dict[str, Any] = {"MemorySizeInMB": 1024, "MaxConcurrency": 4}
    brisk.config("moving-new", {"ModelName": "moving-new", "VariantName": "main", "ServerlessConfig": config})
    brisk.sagemaker.update_endpoint(EndpointName="moving", EndpointConfigName="moving-new")
    labels = []
    while brisk.sagemaker.describe_endpoint(EndpointName="moving")["EndpointStatus"] == "Updating":
        labels.append(brisk.label("moving"))
    labels.append(brisk.label("moving"))
    assert labels[-1] == "8"
    assert set(labels) <= {"7", "8"}


def test_fleet_of_none_keeps_no_process_and_works_its_queue_off_once_it_has_one(brisk: Aws) -> None:
    brisk.model("queue", 7)
    output = {"S3OutputPath": f"s3://{BUCKET}/output"}
    brisk.config("queue", {"ModelName": "queue", "VariantName": "main"}, AsyncInferenceConfig={"OutputConfig": output})
    brisk.endpoint("queue", "queue")
    pid = brisk.server("queue").pid
    assert pid is not None
    resize(brisk, "queue", 0)
    eventually(lambda: not alive(pid) and brisk.server("queue").asleep)
    location = brisk.upload("request.json", REQUEST)
    answer = brisk.runtime.invoke_endpoint_async(
        EndpointName="queue", InputLocation=location, ContentType="application/json"
    )
    time.sleep(2)
    assert brisk.server("queue").pid is None
    resize(brisk, "queue", 1)
    key = answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")

    def written() -> bool:
        return key in [item["Key"] for item in brisk.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    eventually(written)
    body = brisk.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert json.loads(body)["predictions"][0]["label"] == "7"
