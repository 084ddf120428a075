"""What the how-to says, done: on the whole project, with the real cdk, while somebody asks the endpoint."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.caller import Caller
from tests.local_cloud.conftest import Aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "change-an-instance-type.md").read_text(encoding="utf-8")
ENDPOINT = "sentence-embedder"
STACK = f"slipway-local-{ENDPOINT}"
PLANNED = ".slipway/plan/local/cdk.out"
BODY = json.dumps({"inputs": ["a short sentence"]}).encode()

Run = subprocess.CompletedProcess[str]


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return (ENDPOINT,)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    (project_copy / ".venv").symlink_to(sys.prefix)
    started = local_cloud.start(project_copy, leash=True)
    yield started
    local_cloud.stop(started)


class Shell:
    """Runs what a page says in a project."""

    def __init__(self, project: Path, cloud: Cloud) -> None:
        self._project = project
        self._environment = {**os.environ, **cloud.environment(), "CDK_VALIDATION": "false"}

    def __call__(self, command: str) -> Run:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self._project,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def plan(self, *words: str) -> dict[str, Any]:
        done = self(" ".join([".venv/bin/slipway plan --format json", *words]))
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = {plan["endpoint"]: plan for plan in json.loads(done.stdout)["plans"]}[ENDPOINT]
        return found


def fleet(aws: Aws) -> tuple[str, int]:
    """What the variant int8 runs on, and on how many."""
    endpoint = aws.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    config = aws.sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    [machine] = [row["InstanceType"] for row in config["ProductionVariants"] if row["VariantName"] == "int8"]
    [count] = [row["DesiredInstanceCount"] for row in endpoint["ProductionVariants"] if row["VariantName"] == "int8"]
    return machine, count


def targets(aws: Aws) -> list[str]:
    found = aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return [target["ResourceId"] for target in found]


def write(project: Path, line: str) -> None:
    file = project / "endpoints" / f"{ENDPOINT}.yaml"
    text, changed = re.subn(
        r"^  - \{name: int8.*$", line.rstrip("\n"), file.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert changed == 1
    file.write_text(text, encoding="utf-8")


@pytest.mark.local_cloud
@pytest.mark.slow
@pytest.mark.timeout(1800)  # a dozen runs of cdk, each of which starts Python and Node
def test_a_scaled_fleet_moves_to_another_machine_while_it_answers(
    project_copy: Path, cloud: Cloud, cdk: Callable[..., Run], bootstrap: Callable[[dict[str, str]], None]
) -> None:
    aws, shell = Aws(cloud), Shell(project_copy, cloud)
    bootstrap(cloud.environment())
    assert shell.plan(ENDPOINT, "--apply")["deployments"] == 1
    assert shell.plan(ENDPOINT)["deployments"] == 0
    grown = {"VariantName": "int8", "DesiredInstanceCount": 5}
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName=ENDPOINT, DesiredWeightsAndCapacities=[grown])
    [line] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    look, go = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
    with Caller(cloud.environment(), ENDPOINT, Body=BODY) as caller:
        write(project_copy, line)
        plain = cdk(project_copy, "deploy", STACK, "--exclusively", connection=cloud.environment())
        assert plain.returncode != 0
        assert "must be deregistered" in plain.stdout + plain.stderr
        [stack] = aws.cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert fleet(aws) == ("ml.c7i.xlarge", 5)

        # A version that does not start: the first deployment is done, the second goes back.
        write(project_copy, line.replace("weight: 90", "weight: 90, environment: {SLIPWAY_EMF_DIMENSIONS: none}"))
        broken = shell(go)
        assert broken.returncode == 3
        assert "the second deployment failed" in broken.stderr
        assert (fleet(aws), targets(aws)) == (("ml.c7i.xlarge", 5), [])

        write(project_copy, line)
        assert shell.plan(ENDPOINT)["deployments"] == 1  # nothing is registered any more
        write(project_copy, line.replace("ml.c7i.2xlarge", "ml.c7i.xlarge"))
        assert shell.plan(ENDPOINT)["deployments"] == 1
        write(project_copy, line)  # too late: what was planned is deployed
        assert shell.plan(ENDPOINT, "--assembly", PLANNED, "--apply")["deployments"] == 1
        assert (fleet(aws), len(targets(aws))) == (("ml.c7i.xlarge", 5), 2)

        done = shell(look)
        assert done.returncode == 0, done.stderr
        two = shell.plan(ENDPOINT, "--assembly", PLANNED)
        assert two["deployments"] == 2
        assert two["reasons"] == ["variant int8 is scaled, and moves from ml.c7i.xlarge to ml.c7i.2xlarge"]
        assert [name.split()[0] for name in two["changes"]["replaced"]] == ["AWS::SageMaker::EndpointConfig"]
        done = shell(go)
        assert done.returncode == 0, done.stderr
    assert caller.failures == []
    assert caller.answered > 10
    assert fleet(aws) == ("ml.c7i.2xlarge", 5)
    assert sorted(targets(aws)) == [f"endpoint/{ENDPOINT}/variant/{name}" for name in ("fp32", "int8")]
    assert shell.plan(ENDPOINT, "--assembly", PLANNED)["deployments"] == 0
