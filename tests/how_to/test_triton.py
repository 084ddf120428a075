"""What the how-to says, done: deployed by the real cdk, answered by the real tritonserver."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import yaml

from serving.model import Model
from tests.servers.triton_server import Built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "triton.md").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")
STACKS = ("slipway-local-shared", "slipway-local-sentence-ensemble", "slipway-local-triton-library")
SENTENCE = "a ship slides into the sea"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ("sentence-ensemble",)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(project_copy, leash=True)
    yield started
    local_cloud.stop(started)


def tritonservers(project: Path) -> list[psutil.Process]:
    """Return those of a project's cloud, which work in folders of its own."""
    found = [one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == "tritonserver"]
    return [one for one in found if any(str(project) in word for word in one.info["cmdline"] or ())]


def test_page_is_done(
    project_copy: Path,
    cloud: Cloud,
    cdk: Callable[..., subprocess.CompletedProcess[str]],
    bootstrap: Callable[[dict[str, str]], None],
) -> None:
    example, library = blocks("yaml")
    assert example == (ROOT / "endpoints" / "sentence-ensemble.yaml").read_text(encoding="utf-8")
    (project_copy / "endpoints" / "triton-library.yaml").write_text(library, encoding="utf-8")
    connection = cloud.environment()
    bootstrap(connection)
    done = cdk(project_copy, "deploy", *STACKS, "--require-approval", "never", connection=connection)
    assert done.returncode == 0, done.stderr
    environment = {**os.environ, **connection}
    lines = [line for block in blocks("console") for line in block.splitlines() if "slipway invoke" in line]
    asked = [json.loads(run(project_copy, environment, SLIPWAY, *line.split()[2:])) for line in lines]
    assert [each["outputs"][0]["shape"] for each in asked] == [[1, 384], [1, 10], [1, 384]]
    program = "\n".join([*blocks("python"), f"print(json.dumps(embed(['{SENTENCE}'])))"])
    lengths, binary, vectors = run(project_copy, environment, sys.executable, "-c", program).splitlines()
    assert (lengths, binary) == ("[384, 384]", "384 numbers")
    lock = yaml.safe_load((project_copy / "artifacts.lock").read_text())["models"]["minilm-fp32"]
    built = Built.at(project_copy / "artifacts" / "minilm-fp32" / lock["digest"])
    model = Model.load(built.unpack(project_copy / "unpacked"), threads=1)
    np.testing.assert_allclose(json.loads(vectors), model.predict([SENTENCE]), atol=2e-6)
    running = tritonservers(project_copy)
    assert len(running) == 2
    ended = cdk(project_copy, "destroy", *STACKS[1:], "--force", connection=connection)
    assert ended.returncode == 0, ended.stderr
    _, alive = psutil.wait_procs(running, 120)
    assert alive == []


def run(project: Path, environment: dict[str, str], *words: str | Path) -> str:
    done = subprocess.run(words, cwd=project, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
