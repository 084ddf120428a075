"""The cdk hears that a stack is done when it is; everybody else hears at once how far it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from slipway.local_cloud.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
def stack(aws: Aws) -> Iterator[str]:
    """A stack that takes as long as a model server needs to start."""
    aws.model("slowly")
    aws.cloudformation.create_stack(StackName="patience", TemplateBody=template("slowly"))
    yield "patience"
    aws.cloudformation.delete_stack(StackName="patience")


@pytest.fixture
def asked_by(cloud: Cloud) -> Callable[[str, str], str]:
    """Ask how a stack fares, as a program of that name."""

    def ask(program: str, stack: str) -> str:
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "x"}
        config = Config(user_agent_extra=program, retries={"total_max_attempts": 1}, proxies={})
        client: Any = boto3.client(
            "cloudformation", region_name="us-east-1", endpoint_url=cloud.url, config=config, **keys
        )
        return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    return ask


def timed(asked_by: Callable[[str, str], str], stack: str) -> tuple[str, float]:
    began = time.monotonic()
    return asked_by("aws-cdk/2", stack), time.monotonic() - began


def test_cdk_is_answered_once_the_stack_is_done(stack: str, asked_by: Callable[[str, str], str]) -> None:
    assert asked_by("a-program/1", stack) == "CREATE_IN_PROGRESS"
    said, seconds = timed(asked_by, stack)
    while said == "CREATE_IN_PROGRESS":  # on a busy machine
        assert seconds >= PATIENCE_SECONDS
        said, seconds = timed(asked_by, stack)
    assert said == "CREATE_COMPLETE"


def test_cdk_is_not_kept_where_nothing_goes_on(aws: Aws, asked_by: Callable[[str, str], str]) -> None:
    aws.cloudformation.create_change_set(
        StackName="reviewed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template("none")
    )
    said, seconds = timed(asked_by, "reviewed")
    assert said == "REVIEW_IN_PROGRESS"
    assert seconds < PATIENCE_SECONDS
    aws.cloudformation.delete_stack(StackName="reviewed")
