"""The cdk hears that a stack is done when it is; everybody else hears at once how far it is."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from slipway.local_cloud.patience import PATIENCE_SECONDS
from tests.local_cloud.conftest import gated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.local_cloud import Cloud
    from tests.local_cloud.conftest import Aws


def template(model: str) -> str:
    config = {
        "ProductionVariants": [
            {"VariantName": "main", "ModelName": model, "InstanceType": "ml.c7i.large", "InitialInstanceCount": 1}
        ]
    }
    resources = {
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
        "It": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        },
    }
    return json.dumps({"Resources": resources})


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The server of the stack is not ready as long as this file is there."""
    file = tmp_path / "gate"
    file.touch()
    return file


@pytest.fixture
def stack(aws: Aws, gate: Path) -> Iterator[str]:
    """A stack that takes as long as its model server needs to start."""
    aws.model("slowly", content=gated(7, gate))
    aws.cloudformation.create_stack(StackName="patience", TemplateBody=template("slowly"))
    yield "patience"
    gate.unlink(missing_ok=True)
    aws.cloudformation.delete_stack(StackName="patience")


@pytest.fixture
def asked_by(cloud: Cloud) -> Callable[[str, str], str]:
    """Ask how a stack fares, as a program of that name."""

    def client(program: str) -> Any:
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "x"}
        config = Config(user_agent_extra=program, retries={"total_max_attempts": 1}, proxies={})
        return boto3.client("cloudformation", region_name="us-east-1", endpoint_url=cloud.url, config=config, **keys)

    clients = {program: client(program) for program in ("aws-cdk/2", "a-program/1")}  # before anyone looks at the clock
    return lambda program, stack: str(clients[program].describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def timed(asked_by: Callable[[str, str], str], stack: str) -> tuple[str, float]:
    began = time.monotonic()
    return asked_by("aws-cdk/2", stack), time.monotonic() - began


def test_cdk_is_answered_once_the_stack_is_done(stack: str, gate: Path, asked_by: Callable[[str, str], str]) -> None:
    assert asked_by("a-program/1", stack) == "CREATE_IN_PROGRESS"
    opening = threading.Timer(1, gate.unlink)
    opening.start()
    said, seconds = timed(asked_by, stack)
    opening.join()
    while said == "CREATE_IN_PROGRESS":  # on a busy machine
        assert seconds >= PATIENCE_SECONDS
        said, seconds = timed(asked_by, stack)
    assert said == "CREATE_COMPLETE"


def test_cdk_is_not_kept_where_nothing_goes_on(aws: Aws, asked_by: Callable[[str, str], str]) -> None:
    aws.cloudformation.create_change_set(
        StackName="reviewed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template("none")
    )
    said = [timed(asked_by, "reviewed") for _ in range(3)]
    assert {status for status, _ in said} == {"REVIEW_IN_PROGRESS"}
    assert min(seconds for _, seconds in said) < PATIENCE_SECONDS
    aws.cloudformation.delete_stack(StackName="reviewed")
