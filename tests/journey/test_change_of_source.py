"""The path of a change: one byte of a model's source, through build, diff and deploy, while requests keep coming."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway import local_cloud
from slipway.specs import Manifest, Project
from tests.caller import Caller

Cdk = Callable[..., subprocess.CompletedProcess[str]]
SLIPWAY = Path(sys.executable).with_name("slipway")
STACKS = ("slipway-local-shared", "slipway-local-digit-reader")


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ("digit-reader",)


@pytest.fixture
def connection(project_copy: Path) -> Iterator[dict[str, str]]:
    cloud = local_cloud.start(project_copy, leash=True)
    yield cloud.environment()
    local_cloud.stop(cloud)


def build(project: Path) -> dict[str, Any]:
    done = subprocess.run([SLIPWAY, "build", "--format", "json"], cwd=project, capture_output=True, check=True)
    return {model["name"]: model for model in json.loads(done.stdout)["models"]}


def replaced(diff: str) -> list[str]:
    return sorted(re.findall(r"\[~\] (AWS::\S+) .* replace", diff))


@pytest.mark.local_cloud
@pytest.mark.slow
def test_one_byte_replaces_one_model_and_one_config_and_no_request_fails(
    project_copy: Path, cdk: Cdk, connection: dict[str, str], bootstrap: Callable[[dict[str, str]], None]
) -> None:
    before = build(project_copy)
    assert not any(model["built"] for model in before.values())
    bootstrap(connection)
    first = cdk(project_copy, "deploy", *STACKS, "--require-approval", "never", connection=connection)
    assert first.returncode == 0, first.stderr

    source = project_copy / "models" / "digits" / "source.py"
    source.write_bytes(source.read_bytes() + b"\n")
    refused = cdk(project_copy, "synth", "--quiet", connection=connection)
    assert refused.returncode != 0
    assert "changed since it was built" in refused.stderr
    after = build(project_copy)
    assert [name for name, model in after.items() if model["built"]] == ["digits", "digits-small"], "and its pupil"
    assert after["digits"]["digest"] != before["digits"]["digest"]

    difference = cdk(project_copy, "diff", "slipway-local-digit-reader", connection=connection)
    assert replaced(difference.stdout + difference.stderr) == [
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
    ]

    project = Project(project_copy)
    manifest = project.artifact_folder("digits", after["digits"]["digest"]) / "manifest.json"
    packed = Manifest.model_validate_json(manifest.read_bytes()).packed
    assert packed is not None
    with Caller(connection, "digit-reader", Body=json.dumps(packed.example)) as caller:
        second = cdk(project_copy, "deploy", *STACKS, "--require-approval", "never", connection=connection)
    assert second.returncode == 0, second.stderr
    assert caller.failures == []
    assert caller.answered > 3
