"""What the how-to says, done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.local_cloud.conftest import BUCKET, REQUEST, Aws
from tests.local_cloud.rest_api import rest_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.local_cloud import Cloud

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "async.md"


def block(language: str) -> str:
    found: str
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(tmp_path, leash=True)
    yield started
    local_cloud.stop(started)


def test_spec_is_the_example() -> None:
    assert block("yaml") == (ROOT / "endpoints" / "document-embedder.yaml").read_text(encoding="utf-8")


@pytest.mark.local_cloud
def test_program_gets_its_answer(cloud: Cloud, tmp_path: Path) -> None:
    aws = Aws(cloud)
    aws.model("seven", 7)
    output = {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"}
    aws.config("one", {"ModelName": "seven"}, AsyncInferenceConfig={"OutputConfig": output})
    aws.endpoint("document-embedder", "one")
    for request, code in ((REQUEST, 0), (b"nonsense", 1)):
        (tmp_path / "request.json").write_bytes(request)
        done = subprocess.run(
            [sys.executable, "-c", block("python")],
            cwd=tmp_path,
            env={**os.environ, **cloud.environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == code, done.stderr
        if code == 0:
            assert json.loads(done.stdout)["predictions"][0]["label"] == "7"
        else:
            assert "error" in json.loads(done.stderr)


@pytest.mark.local_cloud
def test_shell_gets_its_answer_through_the_front(cloud: Cloud, tmp_path: Path) -> None:
    aws = Aws(cloud)
    aws.model("seven", 7)
    output = {"S3OutputPath": f"s3://{BUCKET}/output", "S3FailurePath": f"s3://{BUCKET}/failure"}
    aws.config("one", {"ModelName": "seven"}, AsyncInferenceConfig={"OutputConfig": output})
    aws.endpoint("document-embedder", "one")
    variables = {
        "SLIPWAY_BUCKET": BUCKET,
        "SLIPWAY_ENDPOINT_NAME": "document-embedder",
        "SLIPWAY_INVOCATION_TIMEOUT_SECONDS": "900",
        "SLIPWAY_READ_TIMEOUT_SECONDS": "60",
        "SLIPWAY_REQUEST_TTL_SECONDS": "3600",
    }
    code = (ROOT / "lambdas" / "submit" / "handler.py").read_text(encoding="utf-8")
    url = rest_api(aws, "handler.py", code, variables, {"/documents": "POST", "/documents/{id}": "GET"})
    options = "SIGNED=(--header 'Content-Type: application/json' --noproxy '*')"
    for request, status in ((REQUEST, "200"), (b"nonsense", "400")):
        (tmp_path / "request.json").write_bytes(request)
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{options}\n{block('sh')}"],
            cwd=tmp_path,
            env={**os.environ, "FRONT_URL": f"{url}/documents"},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        said, answer = done.stdout.split("\n", 1)
        assert said == status, done
        found = json.loads(answer)
        assert (found["predictions"][0]["label"] if status == "200" else found["error"]["code"]) in (
            "7",
            "malformed_json",
        )
