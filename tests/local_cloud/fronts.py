"""The app of fronts, deployed by the real ``cdk`` command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from slipway.local_cloud import Cloud
    from tests.local_cloud.conftest import Aws

HERE = Path(__file__).parent
CDK = HERE.parents[1] / "node_modules/.bin/cdk"


class Fronts:
    """The command line on the app of fronts, and what it deployed."""

    def __init__(self, cloud: Cloud, aws: Aws, folder: Path, pool: str) -> None:
        self._cloud, self._aws, self._folder = cloud, aws, folder
        self._environment = {**os.environ, **cloud.environment(), "CDK_VALIDATION": "false"}
        out = {"CDK_OUTDIR": str(folder / "cdk.out"), "USER_POOL_ARN": pool}
        subprocess.run([sys.executable, HERE / "cdk_app/fronts.py"], env={**self._environment, **out}, check=True)
        self("bootstrap", "aws://000000000000/us-east-1")

    def __call__(self, *words: str, succeeds: bool = True) -> str:
        done = subprocess.run(
            [str(CDK), *words, "--app", "cdk.out"],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, said
        return said

    def deploy(self, *stacks: str, succeeds: bool = True) -> str:
        return self("deploy", *stacks, "--require-approval", "never", "--progress", "events", succeeds=succeeds)

    def output(self, stack: str, key: str) -> str:
        outputs = self._aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return str(next(output["OutputValue"] for output in outputs if output["OutputKey"] == key))

    def url(self, stack: str) -> str:
        """Where the local cloud answers for the address that AWS would give."""
        parts = urlsplit(self.output(stack, "FrontUrl"))
        return f"{self._cloud.url}/_aws/execute-api/{parts.netloc.split('.')[0]}{parts.path}"

    def ask(self, stack: str, body: bytes, verb: str = "POST", **headers: str) -> httpx.Response:
        named = {"content-type": "application/json", **{key.replace("_", "-"): text for key, text in headers.items()}}
        return httpx.request(verb, self.url(stack), content=body, headers=named, timeout=240)
