"""The real ``cdk`` command against the local cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_cloud.conftest import eventually
from tests.local_cloud.test_rollback import Callers, slow_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.local_cloud import Cloud
    from tests.local_cloud.conftest import Aws

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

HERE = Path(__file__).parent
CDK = HERE.parents[1] / "node_modules/.bin/cdk"


class Cdk:
    """The command line, on assemblies of the small app beside this test."""

    def __init__(self, cloud: Cloud, folder: Path, app: str = "cdk_app") -> None:
        self._folder = folder
        self._app = HERE / app / "app.py"
        self._environment = {**os.environ, **cloud.environment(), "CDK_VALIDATION": "false"}

    def synth(self, archive: bytes) -> None:
        file = self._folder / "model.tar.gz"
        file.write_bytes(archive)
        out = self._folder / "cdk.out"
        shutil.rmtree(out, ignore_errors=True)
        environment = {**self._environment, "ARCHIVE": str(file), "CDK_OUTDIR": str(out)}
        subprocess.run([sys.executable, self._app], env=environment, check=True, capture_output=True)

    def __call__(self, *words: str, succeeds: bool = True) -> str:
        command = [str(CDK), *words, "--app", "cdk.out"]
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, said
        assert "NOTICES" not in said
        assert "Warning" not in said
        return said

    def deploy(self, *, succeeds: bool = True) -> str:
        return self("deploy", "--all", "--require-approval", "never", "--progress", "events", succeeds=succeeds)


def replaced(diff: str) -> set[str]:
    return {line.split()[1] for line in diff.splitlines() if line.startswith("[~]") and line.endswith("replace")}


def test_stack_lives_from_bootstrap_to_destroy(
    cloud: Cloud, aws: Aws, project: Path, archive: Callable[[int], bytes], request_body: bytes
) -> None:
    cdk = Cdk(cloud, project)
    cdk.synth(archive(3))
    cdk("bootstrap", "aws://000000000000/us-east-1")
    cdk.deploy()
    assert aws.label("always") == "3"
    outputs = aws.cloudformation.describe_stacks(StackName="Always")["Stacks"][0]["Outputs"]
    (api,) = [output["OutputValue"] for output in outputs if output["OutputKey"] == "ApiId"]
    assert posted(f"{cloud.url}/_aws/execute-api/{api}/prod/classify", request_body)["predictions"][0]["label"] == "3"
    tags = aws.sagemaker.list_tags(ResourceArn="arn:aws:sagemaker:us-east-1:000000000000:endpoint/always")["Tags"]
    assert {"Key": "team", "Value": "ml"} in tags
    assert {"Key": "aws:cloudformation:stack-name", "Value": "Always"} in tags
    (policy,) = aws.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["ResourceId"] == "endpoint/always/variant/main"

    cdk.synth(archive(4))
    assert replaced(cdk("diff")) == {"AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"}
    with aws.firing("always", threads=1) as fired:
        cdk.deploy()
    assert not fired.errors
    assert set(fired.labels) == {"3", "4"}
    assert aws.label("always") == "4"
    assert len(aws.sagemaker.list_models()["Models"]) == 1
    assert len(aws.sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1

    cdk("destroy", "--all", "--force")
    assert cloud.endpoints() == []
    assert aws.sagemaker.list_models()["Models"] == []
    assert aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_slow_version_goes_back_by_its_own_alarm_and_no_request_fails(
    cloud: Cloud, aws: Aws, project: Path, archive: Callable[[int], bytes]
) -> None:
    cdk = Cdk(cloud, project, "cdk_guarded")
    cdk.synth(archive(1))
    cdk("bootstrap", "aws://000000000000/us-east-1")
    cdk.deploy()
    before = aws.sagemaker.describe_endpoint(EndpointName="guarded")["EndpointConfigName"]
    cdk.synth(slow_model())
    with Callers(aws, "guarded") as callers:
        said = cdk.deploy(succeeds=False)
        back = time.monotonic()
        eventually(lambda: len(callers.labels(back)) > 20)
    assert "The update was rolled back because of alarms in state ALARM" in said
    assert callers.errors == []
    assert set(callers.labels()) == {"1", "2"}
    assert set(callers.labels(back)) == {"1"}
    assert aws.sagemaker.describe_endpoint(EndpointName="guarded")["EndpointConfigName"] == before
    (stack,) = aws.cloudformation.describe_stacks(StackName="Guarded")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert len(aws.sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
    cdk("destroy", "--all", "--force")
    assert cloud.endpoints() == []


def posted(url: str, body: bytes) -> Any:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310  loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
        return json.load(answer)
