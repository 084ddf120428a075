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
import yaml

from slipway.specs.front import Front
from tests.local_cloud.conftest import REQUEST, Aws
from tests.local_cloud.fronts import Fronts

if TYPE_CHECKING:
    from slipway.local_cloud import Cloud

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "front.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_block_is_a_front(block: str) -> None:
    Front.model_validate_json(json.dumps(yaml.safe_load(block)))


def test_every_key_of_a_front_is_on_the_page() -> None:
    shown = {key for block in blocks("yaml") for key in yaml.safe_load(block)}
    assert shown == Front.model_fields.keys()


@pytest.mark.local_cloud
@pytest.mark.slow
def test_programs_get_their_answers(tmp_path: Path) -> None:
    from slipway import local_cloud

    cloud = local_cloud.start(tmp_path, leash=True)
    try:
        ask(cloud, tmp_path)
    finally:
        local_cloud.stop(cloud)


def ask(cloud: Cloud, folder: Path) -> None:
    aws = Aws(cloud)
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("always", "one")
    fronts = Fronts(cloud, aws, folder, "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEf123")
    fronts.deploy("Signed", "Keyed")
    signed, keyed = blocks("python")
    for program, variables in (
        (signed, {"FRONT_URL": fronts.url("Signed")}),
        (keyed, {"FRONT_URL": fronts.url("Keyed"), "FRONT_KEY": fronts.output("Keyed", "FrontKeyDefault")}),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **cloud.environment(), **variables, "BODY": REQUEST.decode()},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["predictions"][0]["label"] == "7"
