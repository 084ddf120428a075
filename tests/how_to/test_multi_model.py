"""What the how-to says, done: deployed by the real cdk, asked, changed, handed over to a folder of somebody else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from slipway.specs.endpoint import EndpointSpec
from slipway.specs.reader import read
from slipway.specs.validate import validate
from tests.caller import Caller

if TYPE_CHECKING:
    from slipway.local_cloud import Cloud

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "multi-model.md"
SLIPWAY = Path(sys.executable).with_name("slipway")
STACKS = ("slipway-local-shared", "slipway-local-model-library")
Cdk = Callable[..., subprocess.CompletedProcess[str]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ("model-library",)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(project_copy, leash=True)
    yield started
    local_cloud.stop(started)


class House:
    """A project and its cloud."""

    def __init__(self, root: Path, cloud: Cloud, cdk: Cdk) -> None:
        self.root, self._cloud, self._cdk = root, cloud, cdk
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "local"}
        config = Config(retries={"total_max_attempts": 1})

        def client(service: str) -> Any:
            return boto3.client(service, region_name="us-east-1", endpoint_url=cloud.url, config=config, **keys)

        self.s3, self.runtime, self.sagemaker = client("s3"), client("sagemaker-runtime"), client("sagemaker")
        self.cloudformation = client("cloudformation")

    def deploy(self) -> str:
        words = ("deploy", *STACKS, "--require-approval", "never")
        done = self._cdk(self.root, *words, connection=self._cloud.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        outputs = self.cloudformation.describe_stacks(StackName=STACKS[1])["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: str(output["OutputValue"]) for output in outputs}["ModelFolder"]

    def caller(self, **request: str) -> Caller:
        return Caller(self._cloud.environment(), "model-library", **request)

    def run(self, *command: str | Path) -> str:
        environment = {**os.environ, **self._cloud.environment()}
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def archives(self, folder: str) -> list[str]:
        bucket, _, prefix = folder.removeprefix("s3://").partition("/")
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in found]

    def write(self, spec: str) -> None:
        (self.root / "endpoints" / "model-library.yaml").write_text(spec, encoding="utf-8")


@pytest.fixture
def house(project_copy: Path, cloud: Cloud, cdk: Cdk, bootstrap: Callable[[dict[str, str]], None]) -> House:
    bootstrap(cloud.environment())
    return House(project_copy, cloud, cdk)


def test_first_spec_is_the_example_and_the_second_is_accepted(tmp_path: Path) -> None:
    example, given = blocks("yaml")
    assert example == (ROOT / "endpoints" / "model-library.yaml").read_text(encoding="utf-8")
    (tmp_path / "given.yaml").write_text(given, encoding="utf-8")
    assert validate(read(tmp_path / "given.yaml", "given.yaml"), EndpointSpec).prefix == "s3://team-models/released/"


@pytest.mark.local_cloud
@pytest.mark.slow
def test_models_are_asked_changed_and_handed_over_without_a_failed_request(house: House) -> None:
    first = house.deploy()
    assert house.archives(first) == ["digits.tar.gz", "minilm-fp32.tar.gz", "minilm.tar.gz"]
    asked = json.loads(house.run(SLIPWAY, "invoke", "model-library", "--model", "digits"))
    assert asked["predictions"][0]["label"].isdecimal()
    assert house.run(sys.executable, "-c", blocks("python")[0]).split() == ["384", "384"]

    with house.caller(TargetModel="minilm.tar.gz", Body=json.dumps({"inputs": ["a ship"]})) as caller:
        house.write(blocks("yaml")[0].replace("[digits, minilm, minilm-fp32]", "[minilm, digits]"))
        second = house.deploy()
        assert second != first
        assert house.archives(second) == ["digits.tar.gz", "minilm.tar.gz"]
        assert len(house.archives(first)) == 3  # a fleet on its way out, or a way back, may still read it

        house.s3.create_bucket(Bucket="team-models")
        for name in house.archives(second):
            source = {"Bucket": second.split("/")[2], "Key": f"{second.split('/', 3)[3]}{name}"}
            house.s3.copy_object(Bucket="team-models", Key=f"released/{name}", CopySource=source)
        house.write(f"{blocks('yaml')[1]}rollout: {{strategy: canary}}\n")  # the environment says the rest of it
        assert house.deploy() == "s3://team-models/released/"
    assert caller.failures == []
    assert caller.answered > 3

    source = {"Bucket": "team-models", "Key": "released/digits.tar.gz"}
    house.s3.copy_object(Bucket="team-models", Key="released/later/new.tar.gz", CopySource=source)
    (house.root / "request.json").write_text(json.dumps({"inputs": [[[[0.0] * 8] * 8]]}))
    new = house.run(SLIPWAY, "invoke", "model-library", "--model", "later/new", "--data", "request.json")
    assert json.loads(new)["predictions"][0]["label"].isdecimal()
    assert len(house.sagemaker.list_models()["Models"]) == 1
