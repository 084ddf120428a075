"""Multi-model endpoints: one real server process, models that come and go."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import (
    BUCKET,
    IMAGE,
    PATIENCE_SECONDS,
    ROLE,
    archive_of,
    classifier,
    eventually,
    manifest,
    packed,
    refusal,
)

if TYPE_CHECKING:
    from slipway.local_cloud import RunningContainer
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

PREFIX = f"s3://{BUCKET}/library/"
ONE_MODEL = {"SLIPWAY_MODELS_MEMORY_MIB": "5"}  # the server accounts 4 MiB and a little for such a model
TWO_MODELS = {"SLIPWAY_MODELS_MEMORY_MIB": "9"}


def put(aws: Aws, name: str, answer: int, *, content: bytes | None = None) -> str:
    aws.upload(f"library/{name}.tar.gz", archive_of(answer) if content is None else content)
    return f"{name}.tar.gz"


def library(aws: Aws, *answers: int, cache: str = "Enabled", **environment: str) -> None:
    """An endpoint of that name, whose archives are called after what they always answer."""
    aws.upload("library/", b"")
    for answer in answers:
        put(aws, str(answer), answer)
    container = {
        "Image": IMAGE,
        "Mode": "MultiModel",
        "ModelDataUrl": PREFIX,
        "MultiModelConfig": {"ModelCacheSetting": cache},
        "Environment": environment,
    }
    aws.sagemaker.create_model(ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    aws.config("many", {"ModelName": "many"})
    aws.endpoint("library", "many")


def ask(aws: Aws, name: int | str, **more: Any) -> str:
    return aws.label("library", TargetModel=f"{name}.tar.gz", **more)


def server(aws: Aws) -> RunningContainer:
    return aws.server("library")


def events(aws: Aws) -> list[dict[str, Any]]:
    log = aws.cloud.state_folder / "logs/000000000000-us-east-1/library/many.log"
    whole = log.read_text().rpartition("\n")[0] if log.exists() else ""  # the last line may be half written
    return [json.loads(line) for line in whole.splitlines()]


def loads(aws: Aws) -> list[dict[str, Any]]:
    return [event for event in events(aws) if event["event"] == "model_loaded"]


def test_each_model_answers_by_its_name_and_is_loaded_when_it_is_first_asked_for(aws: Aws) -> None:
    begin = len(loads(aws))
    library(aws, 3, 4)
    assert server(aws).models == ()
    assert ask(aws, 3) == "3"
    assert server(aws).models == ("3.tar.gz",)
    assert [ask(aws, 4), ask(aws, 3), ask(aws, 4)] == ["4", "3", "4"]
    assert server(aws).models == ("3.tar.gz", "4.tar.gz")
    assert len(loads(aws)) - begin == 2
    found = aws.sagemaker.describe_model(ModelName="many")["PrimaryContainer"]
    assert (found["Mode"], found["ModelDataUrl"]) == ("MultiModel", PREFIX)


def test_new_archive_is_served_without_a_deployment(aws: Aws) -> None:
    library(aws, 3)
    assert ask(aws, 3) == "3"
    pid = server(aws).pid
    put(aws, "later/5", 5)
    assert ask(aws, "later/5") == "5"
    assert server(aws).pid == pid


def test_changed_archive_is_served_once_its_model_is_loaded_anew(aws: Aws) -> None:
    library(aws, 3, 4, **ONE_MODEL)
    assert ask(aws, 3) == "3"
    put(aws, "3", 8)
    assert ask(aws, 3) == "3"  # as on AWS: what is in memory stays
    assert ask(aws, 4) == "4"
    assert ask(aws, 3) == "8"


def test_least_recently_used_model_makes_room(aws: Aws) -> None:
    library(aws, 1, 2, 3, **TWO_MODELS)
    assert [ask(aws, name) for name in (1, 2, 1)] == ["1", "2", "1"]
    assert ask(aws, 3) == "3"
    assert server(aws).models == ("1.tar.gz", "3.tar.gz")
    assert ask(aws, 2) == "2"
    assert server(aws).models == ("3.tar.gz", "2.tar.gz")


def test_model_that_fits_nowhere_is_the_servers_own_error_and_the_others_go_on(aws: Aws) -> None:
    library(aws, 1, **ONE_MODEL)
    assert ask(aws, 1) == "1"
    big = {"padding": os.urandom(2**20)}
    files = {"model.onnx": classifier(2), "manifest.json": json.dumps(manifest(2)).encode(), **big}
    put(aws, "big", 2, content=packed(files))
    with pytest.raises(ClientError) as error:
        ask(aws, "big")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 507
    assert "takes 7 MiB" in error.value.response["OriginalMessage"]
    assert ask(aws, 1) == "1"


def test_many_callers_and_more_models_than_fit_all_get_their_own_answers(aws: Aws) -> None:
    library(aws, *range(6), **TWO_MODELS)
    wanted = [number % 6 for number in range(60)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda name: ask(aws, name), wanted))
    assert answers == [str(name) for name in wanted]
    assert len(server(aws).models) <= 2


def test_first_requests_of_many_callers_load_a_model_once(aws: Aws) -> None:
    library(aws, 7)
    begin = len(loads(aws))
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: ask(aws, 7), range(16)))
    assert answers == ["7"] * 16
    assert len(loads(aws)) - begin == 1


def test_without_a_cache_each_request_loads_its_model(aws: Aws) -> None:
    library(aws, 3, cache="Disabled")
    begin = len(loads(aws))
    assert [ask(aws, 3), ask(aws, 3)] == ["3", "3"]
    assert len(loads(aws)) - begin == 2
    assert server(aws).models == ()
    put(aws, "3", 9)
    assert ask(aws, 3) == "9"


def test_models_are_loaded_again_after_the_server_was_killed(aws: Aws) -> None:
    library(aws, 3, 4)
    assert [ask(aws, 3), ask(aws, 4)] == ["3", "4"]
    before = server(aws).pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: server(aws).pid != before and server(aws).ready)
    assert [ask(aws, 4), ask(aws, 3)] == ["4", "3"]


def test_request_without_a_model_is_refused(aws: Aws) -> None:
    library(aws, 3)
    with pytest.raises(ClientError) as error:
        aws.invoke("library")
    code, message = refusal(error)
    assert code == "ValidationError"
    assert message.startswith("Request ")
    assert message.endswith(" is missing a target model header.")


@pytest.mark.parametrize("target", ["missing.tar.gz", "library/3.tar.gz"])
def test_unknown_model_is_refused_as_aws_words_it(aws: Aws, target: str) -> None:
    library(aws, 3)
    with pytest.raises(ClientError) as error:
        aws.invoke("library", TargetModel=target)
    message = (
        f"Failed to download model data(bucket: {BUCKET}, key: library/{target}). Please ensure that there is an "
        "object located at the URL and that the role passed to CreateModel has permissions to download the model."
    )
    assert refusal(error) == ("ValidationError", message)
    assert ask(aws, 3) == "3"


@pytest.mark.parametrize("target", ["../secret.tar.gz", "a/../../secret.tar.gz", "/secret.tar.gz", "./3.tar.gz"])
def test_model_outside_the_prefix_is_refused(aws: Aws, target: str) -> None:
    library(aws, 3)
    aws.upload("secret.tar.gz", archive_of(1))
    with pytest.raises(ClientError) as error:
        aws.invoke("library", TargetModel=target)
    code, message = refusal(error)
    assert code == "ValidationError"
    assert "is not the path of an archive below" in message


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_archive_that_is_none_fails_for_its_own_callers_alone(aws: Aws, content: bytes) -> None:
    library(aws, 3)
    put(aws, "broken", 0, content=content)
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            ask(aws, "broken")
        assert refusal(error)[0] == "ValidationError"
    put(aws, "broken", 6)
    assert ask(aws, "broken") == "6"
    assert ask(aws, 3) == "3"


def test_endpoint_of_one_model_knows_no_targets(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("library", "one")
    with pytest.raises(ClientError) as error:
        ask(aws, 3)
    message = "Endpoint library is not a multi-model endpoint and does not support target model header."
    assert refusal(error) == ("ValidationError", message)


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"ModelDataUrl": f"s3://{BUCKET}/library"}, "must be an S3 prefix that ends with '/'"),
        ({}, "must be an S3 prefix that ends with '/'"),
        (
            {
                "ModelDataSource": {
                    "S3DataSource": {"S3Uri": PREFIX, "S3DataType": "S3Prefix", "CompressionType": "None"}
                }
            },
            "ModelDataSource is not supported",
        ),
    ],
)
def test_model_that_is_no_folder_is_refused(aws: Aws, container: dict[str, Any], said: str) -> None:
    definition = {"Image": IMAGE, "Mode": "MultiModel", **container}
    with pytest.raises(ClientError) as error:
        aws.sagemaker.create_model(ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=definition)
    assert said in refusal(error)[1]


def test_serverless_and_shadow_are_refused_beside_many_models(aws: Aws) -> None:
    library(aws, 3)
    with pytest.raises(ClientError) as error:
        aws.config("cold", {"ModelName": "many", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    assert "serverless" in refusal(error)[1]
    shadow = {
        "VariantName": "shadow",
        "ModelName": "many",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.c7i.xlarge",
    }
    with pytest.raises(ClientError) as error:
        aws.config("copied", {"ModelName": "many"}, ShadowProductionVariants=[shadow])
    assert "ShadowProductionVariants are not supported for multi-model endpoints" in refusal(error)[1]


def test_update_moves_to_another_folder_without_a_failed_request(aws: Aws) -> None:
    library(aws, 3)
    aws.upload("next/3.tar.gz", archive_of(5))
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/next/"}
    aws.sagemaker.create_model(ModelName="next", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    aws.config("next", {"ModelName": "next", "VariantName": "many"})
    answers = [ask(aws, 3)]
    aws.sagemaker.update_endpoint(EndpointName="library", EndpointConfigName="next")
    end = time.monotonic() + PATIENCE_SECONDS
    while answers[-1] == "3" and time.monotonic() < end:
        answers.append(ask(aws, 3))
    assert set(answers) == {"3", "5"}
    assert aws.settled("library")["EndpointStatus"] == "InService"


def test_loading_and_cache_hits_are_published(aws: Aws) -> None:
    library(aws, 3)
    assert [ask(aws, 3) for _ in range(4)] == ["3"] * 4
    watch = aws.client("cloudwatch")
    now = datetime.now(UTC)

    def found(name: str) -> list[float]:
        points = watch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[{"Name": "EndpointName", "Value": "library"}, {"Name": "VariantName", "Value": "many"}],
            StartTime=now - timedelta(minutes=30),
            EndTime=now + timedelta(minutes=5),
            Period=3600,
            Statistics=["SampleCount", "Sum"],
        )["Datapoints"]
        return [sum(point[key] for point in points) for key in ("SampleCount", "Sum")]

    before = found("ModelCacheHit")
    assert [ask(aws, 3) for _ in range(3)] == ["3"] * 3
    eventually(lambda: found("ModelCacheHit")[1] >= before[1] + 3)
    hits, waits = found("ModelCacheHit"), found("ModelLoadingWaitTime")
    assert 0 < waits[0] < hits[0]  # some were not in memory, and those waited
    assert waits[1] > 1000  # microseconds
