"""Models of several containers: chosen by the caller, or one after the other."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import alive, archive_of, arithmetic, eventually, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

ASYNC = {"OutputConfig": {"S3OutputPath": "s3://models/out"}}


def ask(aws: Aws, numbers: list[list[float]], **more: Any) -> Any:
    answer = aws.invoke("chain", **{"Body": json.dumps({"inputs": numbers}).encode(), **more})
    return json.loads(answer["Body"].read())


def chain(aws: Aws, mode: str | None = "Serial") -> None:
    """(x * 2 + 1) * 10 - 3: no other order gives the same."""
    aws.model_of("chain", mode, first=arithmetic(2, 1), second=arithmetic(10, 0), third=arithmetic(1, -3))
    aws.config("chain", {"ModelName": "chain", "VariantName": "AllTraffic"})
    aws.endpoint("chain", "chain")


def pair(aws: Aws) -> None:
    aws.model_of("pair", "Direct", one=archive_of(1), two=archive_of(2))
    aws.config("pair", {"ModelName": "pair", "VariantName": "AllTraffic"})
    aws.endpoint("pair", "pair")


def test_caller_chooses_the_container_when_invocation_is_direct(aws: Aws) -> None:
    pair(aws)
    assert [aws.label("pair", TargetContainerHostname=name) for name in ("two", "one", "two")] == ["2", "1", "2"]
    assert aws.invoke("pair", TargetContainerHostname="one")["InvokedProductionVariant"] == "AllTraffic"
    assert [container.name for container in aws.containers("pair")] == ["one", "two"]
    assert len({container.pid for container in aws.containers("pair")}) == 2
    logs = aws.cloud.state_folder / "logs" / "000000000000-us-east-1" / "pair" / "AllTraffic"
    assert {file.name for file in logs.iterdir()} == {"one.log", "two.log"}
    found = aws.sagemaker.describe_endpoint(EndpointName="pair")["ProductionVariants"][0]
    assert len(found["DeployedImages"]) == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, "target container hostname header is required"),
        ({"TargetContainerHostname": "three"}, "Container three of endpoint pair not found"),
    ],
)
def test_request_is_refused_when_it_names_no_container(aws: Aws, target: dict[str, str], message: str) -> None:
    pair(aws)
    with pytest.raises(ClientError) as error:
        aws.invoke("pair", **target)
    assert refusal(error)[0] == "ValidationError"
    assert message in refusal(error)[1]


def test_target_is_refused_when_there_is_no_choice(aws: Aws) -> None:
    chain(aws)
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    for endpoint in ("chain", "reader"):
        with pytest.raises(ClientError) as error:
            aws.invoke(endpoint, TargetContainerHostname="first")
        assert refusal(error)[0] == "ValidationError"
        assert f"Endpoint {endpoint} is not a multi-container endpoint with direct invocation" in refusal(error)[1]


@pytest.mark.parametrize("mode", ["Serial", None])
def test_answer_of_one_container_is_the_request_of_the_next_when_they_are_serial(aws: Aws, mode: str | None) -> None:
    chain(aws, mode)
    assert ask(aws, [[1, 2], [0, -1]]) == {"inputs": [[27, 47], [7, -13]]}
    array = io.BytesIO()
    np.save(array, np.array([[1, 2]], dtype=np.float32))
    answer = aws.invoke(
        "chain", Body=array.getvalue(), ContentType="application/x-npy", Accept="application/x-npy", InferenceId="i-1"
    )
    assert answer["ContentType"] == "application/x-npy"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-sagemaker-inference-id"] == "i-1"
    assert np.load(io.BytesIO(answer["Body"].read())).tolist() == [[27, 47]]


def test_error_of_a_container_is_the_answer_and_the_next_is_not_asked(aws: Aws) -> None:
    aws.model_of("chain", "Serial", first=arithmetic(2, 1), reader=archive_of(7), last=arithmetic(1, 0))
    aws.config("chain", {"ModelName": "chain", "VariantName": "AllTraffic"})
    aws.endpoint("refusing", "chain")
    for body, container in ((b"not json", "first"), (b'{"inputs": [[1, 2]]}', "reader")):
        with pytest.raises(ClientError) as error:
            aws.invoke("refusing", Body=body)
        response = error.value.response
        assert refusal(error)[0] == "ModelError"
        assert f"Received client error (400) from {container} with message" in refusal(error)[1]
        assert response["OriginalStatusCode"] == 400
        assert json.loads(response["OriginalMessage"])["error"]["code"]
        assert response["LogStreamArn"].endswith(f"log-stream:AllTraffic/{container}")
    # The name of its own keeps other tests' requests out of the logs, which outlive endpoints.
    logs = aws.cloud.state_folder / "logs" / "000000000000-us-east-1" / "refusing" / "AllTraffic"

    def asked() -> dict[str, int]:
        """How often each was; a request's line is written just after its answer."""
        names = ("first", "reader", "last")
        return {name: (logs / f"{name}.log").read_text().count('"path":"/invocations"') for name in names}

    eventually(lambda: asked() == {"first": 2, "reader": 1, "last": 0})


def test_container_without_a_name_goes_by_its_place(aws: Aws) -> None:
    url = aws.upload("double.tar.gz", arithmetic(2, 0))
    container = {"Image": "slipway/onnxruntime:local", "ModelDataUrl": url}
    aws.sagemaker.create_model(
        ModelName="chain", ExecutionRoleArn="arn:aws:iam::000000000000:role/endpoint", Containers=[container] * 2
    )
    aws.config("chain", {"ModelName": "chain"})
    aws.endpoint("chain", "chain")
    assert ask(aws, [[1, 2]]) == {"inputs": [[4, 8]]}
    assert [found.name for found in aws.containers("chain")] == ["container-1", "container-2"]
    assert aws.sagemaker.describe_model(ModelName="chain")["Containers"] == [container] * 2


def test_endpoint_fails_with_the_container_that_never_answered(
    aws: Aws, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    aws.model_of("pair", "Direct", good=archive_of(1), bad=pack({"manifest.json": b"{}"}))
    aws.config("pair", {"ModelName": "pair", "VariantName": "AllTraffic"})
    aws.sagemaker.create_endpoint(EndpointName="pair", EndpointConfigName="pair")
    found = aws.settled("pair")
    assert found["EndpointStatus"] == "Failed"
    assert "The bad container for production variant AllTraffic did not pass the ping" in found["FailureReason"]
    assert "AllTraffic/bad.log" in found["FailureReason"]
    assert not aws.cloud.endpoints()[0].variants


def test_endpoint_fails_with_the_place_of_the_container_whose_archive_is_missing(aws: Aws) -> None:
    aws.model_of("pair", "Direct", one=archive_of(1), two=archive_of(2))
    aws.s3.delete_object(Bucket="models", Key="pair-two.tar.gz")
    aws.config("pair", {"ModelName": "pair"})
    aws.sagemaker.create_endpoint(EndpointName="pair", EndpointConfigName="pair")
    message = 'Failed to download model data for container "container_2" from URL: "s3://models/pair-two.tar.gz"'
    assert message in aws.settled("pair")["FailureReason"]


def test_killed_container_comes_back_while_the_others_answer(aws: Aws) -> None:
    pair(aws)
    one, two = aws.containers("pair")
    models = aws.cloud.state_folder / "models"
    away = models.rename(models.with_name("away"))  # so that no successor is there before it was missed
    psutil.Process(two.pid).kill()
    eventually(lambda: not aws.containers("pair")[1].ready)
    with pytest.raises(ClientError) as error:
        aws.label("pair", TargetContainerHostname="two")
    assert refusal(error)[0] == "ServiceUnavailable"
    assert aws.label("pair", TargetContainerHostname="one") == "1"
    away.rename(models)
    eventually(lambda: aws.containers("pair")[1].ready)
    assert aws.label("pair", TargetContainerHostname="two") == "2"
    assert aws.containers("pair")[0] == one


def test_requests_in_flight_pass_the_whole_pipeline_when_its_fleet_is_replaced(aws: Aws) -> None:
    chain(aws)
    aws.model_of("other", "Serial", first=arithmetic(0, 5), second=arithmetic(1, 0))
    aws.config("other", {"ModelName": "other", "VariantName": "AllTraffic"})
    pids = [container.pid for container in aws.containers("chain")]
    answers, errors, stop = [], [], threading.Event()

    def fire() -> None:
        while not stop.is_set():
            try:
                answers.append(ask(aws, [[1, 2]])["inputs"][0])
            except Exception as error:  # noqa: BLE001  every failure counts
                errors.append(error)
            time.sleep(0.002)

    callers = [threading.Thread(target=fire) for _ in range(4)]
    for caller in callers:
        caller.start()
    aws.sagemaker.update_endpoint(EndpointName="chain", EndpointConfigName="other")
    found = aws.settled("chain")
    eventually(lambda: not any(alive(pid or 0) for pid in pids))
    stop.set()
    for caller in callers:
        caller.join()
    assert (found["EndpointStatus"], errors) == ("InService", [])
    assert [27, 47] in answers
    assert answers[-1] == [5, 5]
    assert all(answer in ([27, 47], [5, 5]) for answer in answers)


@pytest.mark.parametrize(
    ("variant", "more", "message"),
    [
        (
            {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
            {},
            "is serverless: models with Containers are not supported",
        ),
        ({}, {"ShadowProductionVariants": True}, "ShadowProductionVariants are not supported for models with"),
        ({}, {"AsyncInferenceConfig": ASYNC}, "AsyncInferenceConfig for a model with Containers is not modelled"),
    ],
)
def test_config_is_refused_where_only_one_container_can_be_hosted(
    aws: Aws, variant: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    aws.model_of("pair", "Serial", one=archive_of(1), two=archive_of(2))
    if "ShadowProductionVariants" in more:
        shadow = {"VariantName": "shade", "ModelName": "pair", "InstanceType": "ml.c7i.xlarge"}
        more = {"ShadowProductionVariants": [{**shadow, "InitialInstanceCount": 1}]}
    with pytest.raises(ClientError) as error:
        aws.config("pair", {"ModelName": "pair", **variant}, **more)
    assert message in refusal(error)[1]
