"""What the how-to says, done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "inference-components.md"
SLIPWAY = Path(sys.executable).with_name("slipway")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[list[str]]:
    lines = blocks("console")[0].splitlines()
    return [line.removeprefix("$ ").split() for line in lines]


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ("model-fleet",)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(project_copy, leash=True, minute_seconds=3)
    yield started
    local_cloud.stop(started)


def test_specs_are_the_example_and_its_override() -> None:
    example, override = blocks("yaml")
    assert example == (ROOT / "endpoints" / "model-fleet.yaml").read_text(encoding="utf-8")
    assert override in (ROOT / "environments" / "dev.yaml").read_text(encoding="utf-8")


def run(words: list[str], project: Path, connection: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=project, env={**os.environ, **connection}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.local_cloud
@pytest.mark.slow
def test_page_is_followed_from_the_spec_to_a_component_that_sleeps_and_wakes(
    project_copy: Path,
    cloud: Cloud,
    cdk: Callable[..., subprocess.CompletedProcess[str]],
    bootstrap: Callable[[dict[str, str]], None],
) -> None:
    connection = cloud.environment()
    deploy, *asked, status = commands()
    assert deploy == ["npx", "cdk", "deploy", "slipway-local-model-fleet"]
    bootstrap(connection)
    done = cdk(project_copy, *deploy[2:], "--require-approval", "never", connection=connection)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = []
    for words in asked:
        done = run([str(SLIPWAY), *words[1:]], project_copy, connection)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert len(answers[0]["embeddings"][0]) == 384
    assert answers[1]["predictions"]
    shown = run([str(SLIPWAY), *status[1:]], project_copy, connection)
    assert "model-fleet-digits" in shown.stdout
    (project_copy / "request.json").write_text(json.dumps({"inputs": [[[[0.0] * 8] * 8]]}))
    sleeps_and_wakes(project_copy, connection, answers[1])


def sleeps_and_wakes(project: Path, connection: dict[str, str], answer: dict[str, Any]) -> None:
    put_to_sleep(connection)
    program = subprocess.Popen(
        [sys.executable, "-c", blocks("python")[0]],
        cwd=project,
        env={**os.environ, **connection},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Its requests are refused and counted, an alarm hears of them, and the policy of the stack adds a copy.
    said, log = program.communicate(timeout=600)
    assert program.returncode == 0, log
    assert json.loads(said).keys() == answer.keys()


def put_to_sleep(connection: dict[str, str]) -> None:
    """Do what the page's last command does."""
    assert "update-inference-component-runtime-config" in blocks("console")[1]
    client = boto3.client(
        "sagemaker",
        region_name=connection["AWS_REGION"],
        endpoint_url=connection["AWS_ENDPOINT_URL"],
        aws_access_key_id=connection["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=connection["AWS_SECRET_ACCESS_KEY"],
    )
    name = "model-fleet-digits"
    client.update_inference_component_runtime_config(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 0})
    end = time.monotonic() + 240
    while client.describe_inference_component(InferenceComponentName=name)["InferenceComponentStatus"] != "InService":
        assert time.monotonic() < end
        time.sleep(0.05)
    described = client.describe_inference_component(InferenceComponentName=name)
    assert described["RuntimeConfig"]["CurrentCopyCount"] == 0
