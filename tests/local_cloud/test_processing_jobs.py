"""Processing jobs: boto3 starts them, a real `python -m model_build` runs, and its end is what SageMaker would tell."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import (
    IMAGE,
    PATIENCE_SECONDS,
    ROLE,
    archive_of,
    classifier,
    eventually,
    family,
    manifest,
    refusal,
)

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

BUILD_IMAGE = "slipway/model-build:local"
INPUT = "/opt/ml/processing/input/project"
SLEEPER = "import time\n\n\ndef load():\n    time.sleep(600)\n"
SPEC = """task: transformation
source: {python: source.py:load}
target: cpu-fp32
verify: {metric: r_squared, at_least: 1}
"""


def request(name: str, *words: str, **more: Any) -> dict[str, Any]:
    job: dict[str, Any] = {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.c7i.xlarge", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {
            "ImageUri": BUILD_IMAGE,
            "ContainerEntrypoint": ["python", "-m", "model_build"],
            "ContainerArguments": list(words),
        },
    }
    return job | more


def project_input(aws: Aws, source: str) -> dict[str, Any]:
    """Upload a project of one model, as a job's input."""
    aws.upload("project/models/it/source.py", source.encode())
    url = aws.upload("project/models/it/model.yaml", SPEC.encode())
    given = {
        "S3Uri": url.removesuffix("models/it/model.yaml"),
        "LocalPath": INPUT,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    return {"InputName": "project", "S3Input": given}


def ended(aws: Aws, name: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = aws.sagemaker.describe_processing_job(ProcessingJobName=name)
        if found["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped"):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_failed_job_tells_what_the_build_said(aws: Aws) -> None:
    words = ["--project", INPUT, "--message", "/opt/ml/output/message", "nothing"]
    given = project_input(aws, SLEEPER)
    aws.sagemaker.create_processing_job(**request("misspelt", *words, ProcessingInputs=[given]))
    found = ended(aws, "misspelt")
    assert found["ProcessingJobStatus"] == "Failed"
    assert found["ExitMessage"] == "models/nothing/model.yaml does not exist (known: it)"
    assert found["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 2"
    assert found["ProcessingEndTime"] >= found["ProcessingStartTime"]
    log = aws.cloud.state_folder / "logs" / "000000000000-us-east-1" / "processing-jobs" / "misspelt.log"
    assert found["ExitMessage"] in log.read_text()
    eventually(lambda: not list((aws.cloud.state_folder / "jobs").rglob("misspelt")))


def test_job_that_is_stopped_leaves_no_process(aws: Aws) -> None:
    def started() -> set[int]:
        return set(family(aws.cloud.pid)) - before

    before: set[int] = set()
    before = started()
    given = project_input(aws, SLEEPER)
    aws.sagemaker.create_processing_job(**request("endless", "--project", INPUT, ProcessingInputs=[given]))
    eventually(lambda: len(started()) >= 2)  # the job, and the child that its model is built in
    aws.sagemaker.stop_processing_job(ProcessingJobName="endless")
    assert ended(aws, "endless")["ProcessingJobStatus"] == "Stopped"
    eventually(lambda: not started())
    with pytest.raises(ClientError) as refused:
        aws.sagemaker.stop_processing_job(ProcessingJobName="endless")
    assert "is in status Stopped" in refusal(refused)[1]


def test_job_that_runs_too_long_is_ended(aws: Aws) -> None:
    given = project_input(aws, SLEEPER)
    limit = {"MaxRuntimeInSeconds": 1}
    aws.sagemaker.create_processing_job(
        **request("slow", "--project", INPUT, ProcessingInputs=[given], StoppingCondition=limit)
    )
    found = ended(aws, "slow")
    assert (found["ProcessingJobStatus"], "MaxRuntimeInSeconds" in found["FailureReason"]) == ("Stopped", True)


def test_input_that_is_not_there_fails_the_job(aws: Aws) -> None:
    given = project_input(aws, SLEEPER)
    given["S3Input"]["S3Uri"] += "no/such/folder/"
    aws.sagemaker.create_processing_job(**request("empty", "--help", ProcessingInputs=[given]))
    found = ended(aws, "empty")
    assert found["ProcessingJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in found["FailureReason"]


def test_name_is_taken_once_and_jobs_are_listed_and_tagged(aws: Aws) -> None:
    tags = [{"Key": "team", "Value": "blue"}]
    arn = aws.sagemaker.create_processing_job(**request("tagged", "--help", Tags=tags))["ProcessingJobArn"]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    assert ended(aws, "tagged")["ProcessingJobStatus"] == "Completed"
    with pytest.raises(ClientError) as refused:
        aws.sagemaker.create_processing_job(**request("tagged", "--help"))
    assert "already existing processing job" in refusal(refused)[1]
    found = aws.sagemaker.list_processing_jobs(NameContains="tagged", StatusEquals="Completed")
    assert [one["ProcessingJobName"] for one in found["ProcessingJobSummaries"]] == ["tagged"]
    assert aws.sagemaker.list_processing_jobs(StatusEquals="Stopping")["ProcessingJobSummaries"] == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AppSpecification": {"ImageUri": "other:1"}}, "only slipway/model-build:local runs processing jobs"),
        (
            {"AppSpecification": {"ImageUri": BUILD_IMAGE, "ContainerEntrypoint": ["sh"]}},
            "a ContainerEntrypoint other than python -m model_build",
        ),
        (
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.c7i.xlarge", "VolumeSizeInGB": 1}
                }
            },
            "an InstanceCount other than 1",
        ),
        ({"ExperimentConfig": {"TrialComponentDisplayName": "x"}}, "ExperimentConfig is not modelled"),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "out",
                            "S3Output": {"S3Uri": "s3://b/k/", "LocalPath": "/etc", "S3UploadMode": "EndOfJob"},
                        }
                    ]
                }
            },
            "must be below /opt/ml/processing/",
        ),
    ],
)
def test_job_that_cannot_run_here_is_refused_by_name(aws: Aws, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws.sagemaker.create_processing_job(**request("never", "--help", **changed))
    assert words in refusal(refused)[1]


def execution(aws: Aws, name: str, task: dict[str, Any]) -> dict[str, Any]:
    states = aws.client("stepfunctions")
    definition = {"StartAt": "Run", "States": {"Run": {"Type": "Task", "End": True, **task}}}
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
    eventually(lambda: states.describe_execution(executionArn=started)["status"] != "RUNNING")
    found: dict[str, Any] = states.describe_execution(executionArn=started)
    return found


SYNC = "arn:aws:states:::sagemaker:createProcessingJob.sync"


def test_state_machine_waits_for_a_job_and_gets_its_description(aws: Aws) -> None:
    found = execution(aws, "waits", {"Resource": SYNC, "Parameters": request("waited-for", "--help")})
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["ProcessingJobStatus"] == "Completed"


def test_state_machine_fails_with_the_description_of_a_job_that_failed(aws: Aws) -> None:
    found = execution(aws, "fails", {"Resource": SYNC, "Parameters": request("failing", "--no-such-option")})
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["FailureReason"].endswith("exit code: 2")


def test_state_machine_is_told_of_a_refused_request_in_the_sdks_name(aws: Aws) -> None:
    task = {"Resource": SYNC, "Parameters": request("refused", AppSpecification={"ImageUri": "other:1"})}
    found = execution(aws, "refused", task)
    assert (found["status"], found["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert "'other:1' is not modelled here" in found["cause"]


def test_state_machine_that_does_not_wait_gets_the_jobs_name(aws: Aws) -> None:
    task = {"Resource": SYNC.removesuffix(".sync"), "Parameters": request("unwaited", "--help")}
    found = execution(aws, "unwaited", task)
    assert json.loads(found["output"])["ProcessingJobArn"].endswith("processing-job/unwaited")
    ended(aws, "unwaited")


def test_model_is_served_from_files_below_a_prefix(aws: Aws) -> None:
    aws.upload("unpacked/model.onnx", classifier(5))
    url = aws.upload("unpacked/manifest.json", json.dumps(manifest(5)).encode())
    source = {"S3DataType": "S3Prefix", "CompressionType": "None", "S3Uri": url.removesuffix("manifest.json")}
    aws.sagemaker.create_model(
        ModelName="unpacked",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}},
    )
    aws.config("unpacked", {"ModelName": "unpacked"})
    aws.endpoint("unpacked", "unpacked")
    assert aws.label("unpacked") == "5"


def test_archive_is_not_taken_for_files(aws: Aws) -> None:
    url = aws.upload("packed.tar.gz", archive_of(3))
    source = {"S3DataType": "S3Prefix", "CompressionType": "Gzip", "S3Uri": url}
    with pytest.raises(ClientError) as refused:
        aws.sagemaker.create_model(
            ModelName="packed",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}},
        )
    assert "S3Prefix with Gzip is not modelled" in refusal(refused)[1]
