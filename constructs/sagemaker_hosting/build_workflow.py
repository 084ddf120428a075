"""What Step Functions does with a build: a processing job for each model, side by side, and one answer for all."""

from __future__ import annotations

from typing import Any, Final

from slipway.specs.request import EXPECTED_FILE

INPUT: Final = "/opt/ml/processing/input/project"
OUTPUT: Final = "/opt/ml/processing/output"
MESSAGE: Final = "/opt/ml/output/message"
"""Source: SageMaker developer guide, "Container Contract Outputs": DescribeProcessingJob shows it as ExitMessage."""
COMMAND: Final = ["python", "-m", "model_build"]
ARGUMENTS: Final = [
    "--project",
    INPUT,
    "--expect",
    f"{INPUT}/{EXPECTED_FILE}",
    "--results",
    OUTPUT,
    "--message",
    MESSAGE,
]

WAIT_SECONDS: Final = 300
MOST_WAITS: Final = 24
"""Two hours for a machine that SageMaker has none of just now."""
# Source: Step Functions developer guide, the sample projects on SageMaker jobs.
RETRIES: Final = [
    {
        "ErrorEquals": ["SageMaker.ResourceLimitExceededException"],
        "IntervalSeconds": 60,
        "MaxAttempts": 120,
        "BackoffRate": 1,
    },
    {
        "ErrorEquals": ["SageMaker.AmazonSageMakerException"],
        "IntervalSeconds": 2,
        "MaxAttempts": 8,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    },
]
# A job that failed is described as JSON; a refused call is told in words, and a few errors not at all.
_REASON: Final = (
    "{% ($failed := $states.errorOutput.Error = 'States.TaskFailed'"
    " ? $parse($states.errorOutput.Cause) : {'FailureReason': $states.errorOutput.Cause};"
    " $failed.ExitMessage ? $failed.ExitMessage"
    " : $failed.FailureReason ? $failed.FailureReason : $states.errorOutput.Error) %}"
)


def definition(
    *, bucket: str, key_arn: str, image: str, role_arn: str, max_at_once: int, vpc_config: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the workflow in Amazon States Language; its input is ``{"jobs": [...]}``, as ``slipway build`` writes it.

    Args:
        bucket: Holds ``sources/`` and ``artifacts/``.
        key_arn: Of the key that encrypts the bucket and the jobs' volumes.
        image: Of the jobs.
        role_arn: Of the jobs.
        max_at_once: How many run side by side.
        vpc_config: Where their network interfaces lie; None outside of any VPC of the account's own.
    """
    job = _job(bucket, key_arn, image, role_arn, vpc_config)
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "EachModel",
        "States": {
            "EachModel": {
                "Type": "Map",
                "Items": "{% $states.input.jobs %}",
                "MaxConcurrency": max_at_once,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Begin", "States": _one(job)},
                "Next": "AnyFailed",
            },
            "AnyFailed": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $exists($states.input.failed) %}", "Next": "Failed"}],
                "Default": "Built",
            },
            "Failed": {
                "Type": "Fail",
                "Error": "BuildFailed",
                # A build's own words name its model, SageMaker's do not.
                "Cause": "{% $join($states.input[$exists(failed)]."
                "($contains(failed, model) ? failed : model & ': ' & failed), '\n') %}",
            },
            "Built": {"Type": "Succeed"},
        },
    }


def _one(job: dict[str, Any]) -> dict[str, Any]:
    """One model: a failed job fails no other's, and waits for a machine where there is none."""
    return {
        "Begin": {"Type": "Pass", "Assign": {"job": "{% $states.input %}", "waits": 0}, "Next": "Build"},
        "Build": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Arguments": job,
            "Output": {"model": "{% $job.model %}", "digest": "{% $job.digest %}"},
            "Retry": RETRIES,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"reason": _REASON}, "Next": "Judge"}],
            "End": True,
        },
        "Judge": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": f"{{% $contains($reason, 'CapacityError') and $waits < {MOST_WAITS} %}}",
                    "Next": "WaitForMachine",
                }
            ],
            "Default": "TellReason",
        },
        "WaitForMachine": {
            "Type": "Wait",
            "Seconds": WAIT_SECONDS,
            "Assign": {"waits": "{% $waits + 1 %}"},
            "Next": "Build",
        },
        "TellReason": {
            "Type": "Pass",
            "Output": {"model": "{% $job.model %}", "digest": "{% $job.digest %}", "failed": "{% $reason %}"},
            "End": True,
        },
    }


def _job(bucket: str, key_arn: str, image: str, role_arn: str, vpc_config: dict[str, Any] | None) -> dict[str, Any]:
    """The CreateProcessingJob request."""
    listed = ", ".join(f"'{word}'" for word in ARGUMENTS)
    cluster = "'InstanceCount': 1, 'InstanceType': $job.instance_type, 'VolumeSizeInGB': $job.volume_gib"
    return {
        # A job that found no machine leaves its name behind.
        "ProcessingJobName": "{% $job.job & '-' & $string($waits) %}",
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": COMMAND,
            "ContainerArguments": f"{{% $append([{listed}], $job.unpacked ? ['--unpacked'] : []) %}}",
        },
        "RoleArn": role_arn,
        "ProcessingInputs": [
            {
                "InputName": "project",
                "S3Input": {
                    "S3Uri": _place(bucket, "sources"),
                    "LocalPath": INPUT,
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "KmsKeyId": key_arn,
            "Outputs": [
                {
                    "OutputName": "artifact",
                    "S3Output": {
                        "S3Uri": _place(bucket, "artifacts"),
                        "LocalPath": OUTPUT,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
        },
        "ProcessingResources": {
            # A machine with a disk of its own takes no key: that disk encrypts itself.
            "ClusterConfig": f"{{% $job.own_disk ? {{{cluster}}} : {{{cluster}, 'VolumeKmsKeyId': '{key_arn}'}} %}}"
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": "{% $job.max_runtime_seconds %}"},
        "NetworkConfig": {
            "EnableNetworkIsolation": "{% $job.network_isolation %}",
            **({} if vpc_config is None else {"VpcConfig": vpc_config}),
        },
        "Tags": [{"Key": "slipway:artifact", "Value": "{% $job.model & '/' & $job.digest %}"}],
    }


def _place(bucket: str, folder: str) -> str:
    return f"{{% 's3://{bucket}/{folder}/' & $job.model & '/' & $job.digest & '/' %}}"
