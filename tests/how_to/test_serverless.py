"""What the how-to says, done: deployed by the real cdk, woken, thronged, kept warm."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from botocore.exceptions import ClientError

from slipway.local_cloud.caretaker import IDLE_SECONDS
from slipway.specs import Project, SpecError
from tests.caller import Caller
from tests.local_cloud.conftest import REQUEST, Aws, eventually
from tests.local_cloud.test_metrics import published, statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud

    Run = subprocess.CompletedProcess[str]

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "serverless.md").read_text(encoding="utf-8")
SLIPWAY = Path(sys.executable).with_name("slipway")
ENDPOINT = "digit-reader"
IDLE = 3


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return (ENDPOINT,)


@pytest.fixture
def cloud(project_copy: Path) -> Iterator[Cloud]:
    from slipway import local_cloud

    started = local_cloud.start(project_copy, leash=True, idle_seconds=IDLE)
    yield started
    local_cloud.stop(started)


def test_specs_are_the_example_and_what_prod_says_of_it() -> None:
    example, _, outside = blocks("yaml")
    assert example == (ROOT / "endpoints" / f"{ENDPOINT}.yaml").read_text(encoding="utf-8")
    body = outside.removeprefix("endpoints:\n")
    assert body in (ROOT / "environments" / "prod.yaml").read_text(encoding="utf-8")
    assert IDLE_SECONDS == 300
    assert "Five minutes without a request end it" in TEXT


def test_environment_with_a_network_asks_for_the_reason(tmp_path: Path) -> None:
    for folder in ("models", "endpoints", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    Project(tmp_path).deployment("prod", with_artifacts=False)
    prod = tmp_path / "environments" / "prod.yaml"
    text = prod.read_text(encoding="utf-8")
    prod.write_text(text.replace(blocks("yaml")[2].removeprefix("endpoints:\n"), ""), encoding="utf-8")
    with pytest.raises(SpecError, match="accept it with 'outside_vpc: <reason>'"):
        Project(tmp_path).deployment("prod", with_artifacts=False)


@pytest.mark.local_cloud
@pytest.mark.slow
def test_page_is_followed_from_a_cold_start_to_a_warm_copy(
    project_copy: Path, cloud: Cloud, cdk: Callable[..., Run], bootstrap: Callable[[dict[str, str]], None]
) -> None:
    aws, connection = Aws(cloud), cloud.environment()
    first, asked, status = [line.removeprefix("$ ").split() for line in blocks("console")[0].splitlines()]
    deploy = [*first[2:], "--require-approval", "never"]
    bootstrap(connection)
    done = cdk(project_copy, *deploy, connection=connection)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(run([str(SLIPWAY), *asked[1:]], project_copy, connection))["predictions"][0]["label"].isdecimal()
    eventually(lambda: aws.server(ENDPOINT).asleep)
    assert "AllTraffic asleep" in " ".join(run([str(SLIPWAY), *status[1:]], project_copy, connection).split())

    first_request_waits(aws)
    more_than_max_concurrency_are_throttled(aws)
    eventually(lambda: aws.server(ENDPOINT).asleep)
    assert run([sys.executable, "-c", blocks("python")[0]], project_copy, connection).split() == ["1"] * 30

    spec = project_copy / "endpoints" / f"{ENDPOINT}.yaml"
    spec.write_text(blocks("yaml")[0] + blocks("yaml")[1], encoding="utf-8")
    with Caller(connection, ENDPOINT, Body=REQUEST) as caller:
        done = cdk(project_copy, *deploy, connection=connection)
    assert done.returncode == 0, done.stdout + done.stderr
    assert caller.failures == []
    assert caller.answered > 3
    copy_stays_warm(aws)


def first_request_waits(aws: Aws) -> None:
    main = {"VariantName": "AllTraffic"}
    asked = published(aws, "ModelLatency", ENDPOINT, 1, **main)["SampleCount"]
    starts = published(aws, "ModelSetupTime", ENDPOINT, 1, **main)["SampleCount"]
    cold, *warm = [seconds(aws) for _ in range(6)]
    setup = published(aws, "ModelSetupTime", ENDPOINT, starts + 1, **main)
    assert setup["SampleCount"] == starts + 1
    assert min(warm) < setup["Minimum"] / 1e6 < cold
    latency = published(aws, "ModelLatency", ENDPOINT, asked + 6, **main)
    assert statistics(aws, "OverheadLatency", ENDPOINT, **main)["Maximum"] >= setup["Minimum"]
    assert latency["Sum"] < setup["Sum"]


def seconds(aws: Aws) -> float:
    began = time.monotonic()
    aws.label(ENDPOINT)
    return time.monotonic() - began


def more_than_max_concurrency_are_throttled(aws: Aws) -> None:
    eventually(lambda: aws.server(ENDPOINT).asleep)
    heard: list[str] = []

    def ask() -> None:
        try:
            heard.append("answer" if aws.label(ENDPOINT) else "")
        except ClientError as error:
            heard.append(error.response["Error"]["Code"])

    callers = [threading.Thread(target=ask) for _ in range(30)]
    callers[0].start()
    server = stopped_as_it_starts(aws)
    for caller in callers[1:]:
        caller.start()
    eventually(lambda: len(heard) == 10)
    os.killpg(server, signal.SIGCONT)
    for caller in callers:
        caller.join()
    assert sorted(heard) == ["ThrottlingException"] * 10 + ["answer"] * 20


def stopped_as_it_starts(aws: Aws) -> int:
    """Hold the server up that the first request wakes: whoever comes now finds that request waiting, however late."""
    cloud, found = psutil.Process(aws.cloud.pid), list[int]()

    def is_there() -> bool:
        found[:] = [child.pid for child in cloud.children() if "serving" in words_of(child)]
        return found != []

    eventually(is_there)
    [server] = found  # the one endpoint has one, in a group of its own
    os.killpg(server, signal.SIGSTOP)
    return server


def words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return []


def copy_stays_warm(aws: Aws) -> None:
    [target] = aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == (
        f"endpoint/{ENDPOINT}/variant/AllTraffic",
        1,
        5,
    )
    pid = aws.server(ENDPOINT).pid
    time.sleep(IDLE + 2)
    assert aws.server(ENDPOINT).pid == pid is not None


def run(words: list[str], project: Path, connection: dict[str, str]) -> str:
    environment = {**os.environ, **connection}
    done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
