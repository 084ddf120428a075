"""What the how-to says, done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import TypeAdapter

from slipway.specs.endpoint import EndpointSpec
from tests.local_cloud.conftest import Aws
from tests.local_cloud.rest_api import rest_api
from tests.local_cloud.test_response_stream import QUICK, SLOW, hosted, images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.local_cloud import Cloud

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "stream.md"
REQUEST = images(QUICK, *[SLOW * 4] * 3)


def block(language: str) -> str:
    found: str
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    from slipway import local_cloud

    project = tmp_path_factory.mktemp("project")
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    started = local_cloud.start(project, leash=True)
    hosted(Aws(started), "sentence-embedder")
    yield started
    local_cloud.stop(started)


def lines(command: list[str], folder: Path, environment: dict[str, str]) -> list[tuple[float, str]]:
    """What a program prints, each line with the moment it came at."""
    (folder / "request.json").write_bytes(REQUEST)
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = [(time.monotonic(), line) for line in process.stdout]
    assert process.returncode == 0
    return found


def came_apart(found: list[tuple[float, str]]) -> bool:
    """Tell whether there were pauses, and more than one; who reads may have been kept from it during another."""
    moments = [moment for moment, _ in found]
    pauses = [after - before for before, after in pairwise(moments)]
    return sum(pauses) > 0.3 and sum(pause > 0.05 for pause in pauses) > 1


def test_spec_is_one() -> None:
    spec = TypeAdapter(EndpointSpec).validate_json(TypeAdapter(dict).dump_json(yaml.safe_load(block("yaml"))))
    assert spec.front is not None
    assert spec.front.streams


@pytest.mark.local_cloud
def test_program_prints_each_line_as_it_comes(cloud: Cloud, tmp_path: Path) -> None:
    found = lines([sys.executable, "-c", block("python")], tmp_path, cloud.environment())
    assert [line.startswith("{'label': '7'") for _, line in found] == [True] * 4
    assert came_apart(found)


@pytest.mark.local_cloud
def test_shell_prints_each_line_as_it_comes_through_the_front(cloud: Cloud, tmp_path: Path) -> None:
    code = (ROOT / "lambdas" / "stream" / "index.js").read_text(encoding="utf-8")
    variables = {"SLIPWAY_ENDPOINT_NAME": "sentence-embedder", "SLIPWAY_READ_TIMEOUT_SECONDS": "60"}
    url = rest_api(Aws(cloud), "index.js", code, variables, {"/embed": "POST"})
    script = f"SIGNED=(--header 'Content-Type: application/json' --noproxy '*')\n{block('sh')}"
    found = lines(["bash", "-eu", "-c", script], tmp_path, {"FRONT_URL": f"{url}/embed"})
    assert [line.startswith('{"label":"7"') for _, line in found] == [True] * 4
    assert came_apart(found)
