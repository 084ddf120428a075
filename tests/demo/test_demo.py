"""The newcomer's tour, and what it leaves behind: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from slipway import local_cloud
from slipway.local_cloud.hosts.djl import LABEL

SLIPWAY = Path(sys.executable).with_name("slipway")
# Servers of ours with a front, and one in a network of its own. One original is asked about both of them.
SIDE_BY_SIDE = {"sentence-embedder": "onnxruntime", "sentence-ensemble": "triton"}
WRITERS = {"chat-writer": "lmi", "split-writer": "djl-mpi", "legacy-writer": "djl-deepspeed"}


def start(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SLIPWAY, "demo", "--format", "json"],
        cwd=project,
        env={**os.environ, "CDK_VALIDATION": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(project: Path) -> list[psutil.Process]:
    """Every process that works in the project or was told of its folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        try:
            mentions = any(str(project) in word for word in process.cmdline())
            if process.pid != os.getpid() and (mentions or process.cwd().startswith(str(project))):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until_gone(project: Path, seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while processes_of(project) and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes_of(project)


def wait_for_servers(project: Path, demo: subprocess.Popen[str]) -> None:
    """Wait until the demo has a cloud with at least one model server."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and demo.poll() is None:
        if any("serving" in (process.info["cmdline"] or ()) for process in processes_of(project)):
            return
        time.sleep(0.1)
    pytest.fail(f"the demo started no server: {demo.communicate()[1] if demo.poll() is not None else 'still running'}")


def wait_for_both(project: Path, tours: list[subprocess.Popen[str]]) -> list[set[int]]:
    """Wait until two clouds have all servers that wake by themselves at the same time, and return each one's ports.

    Who is there first is stopped until the other is there too, however long that takes.
    """
    deadline = time.monotonic() + 600
    found: dict[int, set[int]] = {}
    try:
        while len(found) < len(tours):
            assert time.monotonic() < deadline, found
            assert [tour.poll() for tour in tours] == [None] * len(tours), "one ended before the other was there"
            time.sleep(0.1)
            for cloud in local_cloud.running(project):
                owner, ports = psutil.Process(cloud.pid).ppid(), ports_of(cloud)
                if owner not in found and len(ports) > len(SIDE_BY_SIDE):  # the cloud's own is among them
                    os.kill(owner, signal.SIGSTOP)
                    found[owner] = ports
    finally:
        for tour in tours:
            tour.send_signal(signal.SIGCONT)
    assert found.keys() == {tour.pid for tour in tours}
    return list(found.values())


def ports_of(cloud: local_cloud.Cloud) -> set[int]:
    """The ports of a cloud and of its servers; none while it does not answer yet."""
    try:
        variants = [variant for endpoint in cloud.endpoints() for variant in endpoint.variants]
    except OSError:
        return set()
    return {cloud.port, *(one.port for variant in variants for one in variant.containers if one.ready)}


def check_whole(facts: dict[str, Any]) -> None:
    check(facts)
    names = {row["name"] for row in facts["endpoints"]}
    assert names >= {"sentence-embedder", "digit-reader", "document-embedder", "model-fleet", "sentence-ensemble"}
    assert names >= {"sentence-toolkit", "sentence-torchserve"}
    writers = {row["name"]: row for row in facts["endpoints"] if row["model"] == "poet"}
    assert {name: row["server"] for name, row in writers.items()} == WRITERS
    assert {row["stand_in"] for row in writers.values()} == {LABEL}
    assert {row["answer"] for row in writers.values()} == {"'Build me straight, O' -> 'worthy Master! Stanch an…'"}
    assert {row["variant"] for row in facts["endpoints"]} >= {"int8", "fp32", "sentences", "digits"}
    assert {row["container"] for row in facts["endpoints"] if row["name"] == "reading-room"} == {"sentences", "digits"}
    assert [row["model"] for row in facts["endpoints"] if row["kind"] == "pipeline"] == ["digit-scaler > digits"]
    fronts = {"sentence-embedder", "digit-reader", "document-embedder", "model-fleet", "model-library", *WRITERS}
    assert {row["endpoint"] for row in facts["fronts"]} >= fronts


def check(facts: dict[str, Any]) -> None:
    assert all(row["answer_checked"] and row["agreement"] >= 0.97 for row in facts["endpoints"] + facts["fronts"])
    assert all(row["status"] == 200 for row in facts["fronts"])
    assert {"build", "cloud", "synth", "bootstrap", "deploy", "invoke", "fronts", "down"} <= facts["seconds"].keys()


@pytest.mark.local_cloud
@pytest.mark.slow
@pytest.mark.timeout(2700)  # all examples, each with its servers
def test_tour_answers_as_the_originals_and_leaves_nothing(project_copy: Path) -> None:
    tour = start(project_copy)
    said, log = tour.communicate(timeout=1200)
    assert tour.returncode == 0, log
    check_whole(json.loads(said))
    check_whole(json.loads((project_copy / ".slipway" / "demo.json").read_text()))
    assert wait_until_gone(project_copy, 60) == []


@pytest.mark.local_cloud
@pytest.mark.slow
@pytest.mark.timeout(2700)  # all examples, each with its servers
@pytest.mark.parametrize("endpoints", [tuple(SIDE_BY_SIDE)])
def test_two_tours_at_once_are_two_clouds_that_share_nothing(project_copy: Path) -> None:
    tours = [start(project_copy), start(project_copy)]
    servers = wait_for_both(project_copy, tours)
    assert servers[0].isdisjoint(servers[1])
    for tour in tours:
        said, log = tour.communicate(timeout=1200)
        assert tour.returncode == 0, log
        facts = json.loads(said)
        check(facts)
        assert {row["name"]: row["server"] for row in facts["endpoints"]} == SIDE_BY_SIDE
    check(json.loads((project_copy / ".slipway" / "demo.json").read_text()))
    assert wait_until_gone(project_copy, 60) == []


@pytest.mark.local_cloud
@pytest.mark.slow
@pytest.mark.timeout(2700)  # all examples, each with its servers
@pytest.mark.parametrize("endpoints", [("digit-reader",)])  # one is enough of them, and is soon there
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_tour_that_is_ended_half_way_leaves_no_process(project_copy: Path, how: signal.Signals) -> None:
    tour = start(project_copy)
    wait_for_servers(project_copy, tour)
    tour.send_signal(how)
    tour.communicate(timeout=300)
    assert tour.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 4)
    assert wait_until_gone(project_copy, 60) == []
