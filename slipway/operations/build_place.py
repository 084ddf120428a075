"""A build stack as commands find it: what it tells of itself, what lies in its bucket, and how it is reached."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = Config(connect_timeout=5, retries={"mode": "standard", "total_max_attempts": 5})


def sizes(s3: Any, bucket: str, prefix: str) -> dict[str, int]:
    """Return how large each object below a prefix is, by the rest of its key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [one for page in pages for one in page.get("Contents", [])]
    return {one["Key"].removeprefix(prefix): one["Size"] for one in found}


def stack_outputs(cloudformation: Any, stack: str, environment: str) -> dict[str, str]:
    """Return what a build stack tells of itself.

    Raises:
        HostError: If it is not deployed.
    """
    try:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise
        found = {}
    if "Outputs" not in found:
        deploy = f"npx cdk deploy {stack} -c environment={environment} -c part=build"
        raise HostError(f"the stack {stack} is not deployed, and models are built there: run `{deploy}`")
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


@contextmanager
def reaching(stack: str) -> Iterator[None]:
    """Turn what AWS refuses, and AWS out of reach, into one error."""
    try:
        yield
    except ClientError as error:
        raise HostError(f"{stack}: {error.operation_name}: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise HostError(f"{stack} cannot be reached: {error}") from error
    except Boto3Error as error:  # of an upload; it holds what S3 said
        raise HostError(f"{stack}: {error}") from error
