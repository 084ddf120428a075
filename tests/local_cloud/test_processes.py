"""Whatever happens to whomever: no process and no port stays behind."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from slipway import local_cloud
from slipway.local_cloud import state
from slipway.local_cloud.ports import free_port, free_ports
from slipway.specs.errors import HostError
from tests.local_cloud.conftest import alive, eventually, family

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

STARTER = """
import sys, time
from pathlib import Path
from slipway import local_cloud

cloud = local_cloud.start(Path(sys.argv[1]), leash=sys.argv[2] != "free")
print(cloud.port, flush=True)
if sys.argv[2] == "released":
    local_cloud.release(cloud)
if sys.argv[2] == "leash":
    time.sleep(600)
"""
SLEEPER = """
import pathlib, time

def handler(event, context):
    pathlib.Path(event).touch()
    time.sleep(600)
"""


@pytest.fixture
def clouds(project: Path) -> Iterator[Path]:
    """A project whose clouds are ended whatever becomes of the test."""
    yield project
    for cloud in local_cloud.running(project):
        local_cloud.stop(cloud)


def starter(project: Path, leash: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", STARTER, str(project), leash], stdout=subprocess.PIPE, text=True)


def busy(aws: Aws) -> list[int]:
    """Give a cloud an endpoint and a Lambda worker that never ends; returns every process of the cloud."""
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", SLEEPER)
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="sleeper",
        Runtime="python3.11",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/function",
        Code={"ZipFile": code.getvalue()},
        Timeout=900,
    )
    begun = aws.cloud.state_folder / "begun"
    functions.invoke(FunctionName="sleeper", InvocationType="Event", Payload=json.dumps(str(begun)))
    eventually(begun.exists)
    eventually(lambda: len(family(aws.cloud.pid)) == 4)  # emulator, guardian, server, Lambda worker
    return family(aws.cloud.pid)


def nothing_is_left(pids: list[int], port: int) -> bool:
    if any(alive(pid) for pid in pids):
        return False
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_cloud_on_a_leash_ends_with_its_starter(clouds: Path, aws_of: type[Aws], how: signal.Signals) -> None:
    with starter(clouds, "leash") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        (cloud,) = local_cloud.running(clouds)
        pids = busy(aws_of(cloud))
        process.send_signal(how)
    eventually(lambda: nothing_is_left(pids, port))
    assert local_cloud.running(clouds) == []
    assert not (cloud.state_folder / "models").exists()


def test_everything_ends_when_the_emulator_is_killed(clouds: Path, aws_of: type[Aws]) -> None:
    cloud = local_cloud.start(clouds, leash=False)
    pids = busy(aws_of(cloud))
    os.kill(cloud.pid, signal.SIGKILL)
    local_cloud.stop(cloud)
    eventually(lambda: nothing_is_left(pids, cloud.port))
    assert local_cloud.running(clouds) == []


def test_server_ends_when_emulator_and_guardian_are_killed(clouds: Path, aws_of: type[Aws]) -> None:
    cloud = local_cloud.start(clouds, leash=False)
    aws = aws_of(cloud)
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    server = aws.server("reader").pid
    others = [pid for pid in family(cloud.pid) if pid != server]
    for pid in reversed(others):
        os.kill(pid, signal.SIGKILL)
    local_cloud.stop(cloud)
    eventually(lambda: server is not None and not alive(server))


def test_stop_leaves_nothing(clouds: Path, aws_of: type[Aws]) -> None:
    cloud = local_cloud.start(clouds, leash=True)
    pids = busy(aws_of(cloud))
    local_cloud.stop(cloud)
    eventually(lambda: nothing_is_left(pids, cloud.port))
    assert (cloud.state_folder / "cloud.log").exists()
    assert "stopped" in (cloud.state_folder / "logs/000000000000-us-east-1/reader/seven.log").read_text()
    local_cloud.stop(cloud)  # a second time is no error


@pytest.mark.parametrize("how", ["free", "released"])
def test_cloud_without_a_leash_outlives_its_starter(clouds: Path, how: str) -> None:
    with starter(clouds, how) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
    assert process.returncode == 0
    (cloud,) = local_cloud.running(clouds)
    assert cloud.port == port
    assert cloud.endpoints() == []
    local_cloud.stop(cloud)
    assert not alive(cloud.pid)


def test_two_clouds_run_side_by_side(clouds: Path, aws_of: type[Aws]) -> None:
    first, second = (local_cloud.start(clouds, leash=True) for _ in range(2))
    assert {cloud.port for cloud in local_cloud.running(clouds)} == {first.port, second.port}
    aws_of(first).upload("only-here", b"")
    assert aws_of(second).s3.list_buckets()["Buckets"] == []


def test_the_newest_cloud_comes_last_whatever_its_port(clouds: Path) -> None:
    ports = sorted(free_ports(2), reverse=True)
    for port in ports:
        local_cloud.start(clouds, port=port, leash=True)
    assert [cloud.port for cloud in local_cloud.running(clouds)] == ports


def test_taken_port_is_named_with_the_mend(clouds: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HostError, match=f"port {port} .* stop what listens there or choose another"):
            local_cloud.start(clouds, port=port, leash=True)


def test_dead_or_strange_state_is_recognised_and_cleaned(clouds: Path) -> None:
    folder = state.clouds_folder(clouds) / "4566"
    folder.mkdir(parents=True)
    here = state.State.of_process(4566, os.getpid(), folder)
    for found in (
        state.State(4566, 2**22 + 1, 0.0, folder.stat().st_ino),
        replace(here, started=1.0),  # the pid is taken, by a younger process
    ):
        state.write(folder, found)
        assert local_cloud.running(clouds) == []
        assert not (folder / "state.json").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{half a st",
        "[]",
        "[" * 100_000,
        '{"port": 1, "pid": "x", "started": 1.0, "inode": 1}',
        '{"port": 1, "pid": -1, "started": 1.0, "inode": 1}',
        '{"port": 1, "pid": 1.5, "started": 1.0, "inode": 1}',
        '{"port": 1, "pid": 1, "started": "x", "inode": 1}',
    ],
    ids=["half", "list", "deep", "pid-is-text", "pid-is-negative", "pid-is-a-fraction", "time-is-text"],
)
def test_no_cloud_runs_when_its_state_is_garbage(project: Path, text: str) -> None:
    folder = state.clouds_folder(project) / "4566"
    folder.mkdir(parents=True)
    inode = f'"inode": {folder.stat().st_ino}'
    (folder / "state.json").write_text(text.replace('"inode": 1', inode))
    assert local_cloud.running(project) == []


def test_cloud_belongs_to_its_project_alone_when_the_project_is_copied(clouds: Path) -> None:
    cloud = local_cloud.start(clouds / "original", leash=True)
    shutil.copytree(clouds / "original", clouds / "copy")
    assert local_cloud.running(clouds / "copy") == []
    (clouds / "original").rename(clouds / "moved")
    (found,) = local_cloud.running(clouds / "moved")
    assert found.pid == cloud.pid
    local_cloud.stop(found)


def test_cloud_starts_when_a_file_lies_in_its_folders_place(clouds: Path) -> None:
    port = free_port()
    state.clouds_folder(clouds).mkdir(parents=True)
    (state.clouds_folder(clouds) / str(port)).write_text("")
    assert local_cloud.start(clouds, port=port, leash=True).endpoints() == []


def test_servers_see_nothing_of_the_callers_environment(
    clouds: Path, aws_of: type[Aws], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "secret")
    cloud = local_cloud.start(clouds, leash=True)
    aws = aws_of(cloud)
    aws.model("seven", 7, Environment={"SLIPWAY_THREADS": "1"})
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    for pid in family(cloud.pid):
        assert "DEPLOY_TOKEN" not in psutil.Process(pid).environ()
    environment = psutil.Process(aws.server("reader").pid).environ()
    assert environment["SLIPWAY_THREADS"] == "1"
    assert not [name for name in environment if name.startswith(("AWS_", "GATEWAY_"))]


def test_environment_sends_boto3_here_whatever_the_user_has_set(cloud: local_cloud.Cloud) -> None:
    script = "import boto3, json; print(json.dumps(boto3.client('sts').get_caller_identity()))"
    users = {"AWS_PROFILE": "production", "HTTP_PROXY": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_STS": ""}
    environment = {**os.environ, **users, **cloud.environment("111122223333", "eu-west-1")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Account"] == "111122223333"
