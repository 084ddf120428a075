"""Starts, finds and stops local clouds."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import psutil

from . import state
from .child import python_path
from .cloud import SETTINGS, Cloud, status
from .leash import RELEASE

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs.errors import HostError

_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 10
# By pid, the write ends of the leashes of the clouds that this process started: they must live as long as it does.
_leashes: dict[int, int] = {}
_children: dict[int, subprocess.Popen[bytes]] = {}


def start(
    project: Path, *, port: int | None = None, leash: bool, minute_seconds: float = 60.0, idle_seconds: float = 300.0
) -> Cloud:
    """Start a local cloud and wait until it answers.

    Args:
        project: Its state and logs go to ``.slipway/clouds/<port>`` there.
        port: On 127.0.0.1; None for any free one.
        leash: True: the cloud ends when this process ends, however it ends. False: it stays until it is stopped.
        minute_seconds: How long a minute of an alarm's period takes; less for tests in a hurry.
        idle_seconds: How long a serverless container stays after its last request.

    Raises:
        HostError: If the port is taken or the emulator does not start.
    """
    settings = ["--minute-seconds", str(minute_seconds), "--idle-seconds", str(idle_seconds)]
    with _listener(port) as listener:
        number: int = listener.getsockname()[1]
        folder = _fresh_folder(project, number)
        process = _spawn(listener, folder, leash, settings)
    cloud = Cloud(number, process.pid, f"http://127.0.0.1:{number}", folder)
    try:
        _wait_until_up(process, cloud)
    except BaseException:
        process.kill()  # its guardian ends the rest
        process.wait()
        raise
    return cloud


def running(project: Path) -> list[Cloud]:
    """Return the clouds of a project that are alive, the newest last, and clean up after those that are not."""
    folders = sorted(state.clouds_folder(project).glob("*"), key=_started)
    return [cloud for folder in folders if (cloud := _alive(folder)) is not None]


def release(cloud: Cloud) -> None:
    """Let a cloud that this process started on a leash outlive it; one without a leash does so anyway."""
    write_end = _leashes.pop(cloud.pid, None)
    if write_end is not None:
        os.write(write_end, RELEASE)
        os.close(write_end)


def stop(cloud: Cloud) -> None:
    """Stop a cloud and every process that it started; one that is gone already is no error.

    Raises:
        HostError: If it does not end.
    """
    found = state.read(cloud.state_folder)
    if found is None or not found.alive() or found.pid != cloud.pid:
        return
    process = psutil.Process(cloud.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        _wait_until_gone(process, cloud)
    if (child := _children.pop(cloud.pid, None)) is not None:
        child.wait()
    if (write_end := _leashes.pop(cloud.pid, None)) is not None:
        os.close(write_end)
    state.remove(cloud.state_folder)


def _listener(port: int | None) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", 0 if port is None else port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise _host_error(
            f"port {port} on 127.0.0.1 cannot be used ({reason}): stop what listens there or choose another"
        ) from None
    return listener


def _fresh_folder(project: Path, port: int) -> Path:
    folder = state.clouds_folder(project) / str(port)
    shutil.rmtree(folder, ignore_errors=True)  # we hold the port, so whoever left this is dead
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
    (folder / "tmp").mkdir(parents=True)
    (folder / SETTINGS).write_text("[default]\n")
    return folder


def _spawn(listener: socket.socket, folder: Path, leash: bool, settings: list[str]) -> subprocess.Popen[bytes]:  # noqa: FBT001
    command = [sys.executable, "-m", "slipway.local_cloud.emulator"]
    command += ["--socket", str(listener.fileno()), "--folder", str(folder), *settings]
    handed = [listener.fileno()]
    if leash:
        read_end, write_end = os.pipe()
        handed.append(read_end)
        command += ["--leash", str(read_end)]
    with (folder / "cloud.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own module
            command,
            cwd=folder,
            env=_emulator_environment(folder, listener.getsockname()[1]),
            pass_fds=handed,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if leash:
        os.close(read_end)
        _leashes[process.pid] = write_end
    _children[process.pid] = process
    return process


def _emulator_environment(folder: Path, port: int) -> dict[str, str]:
    """Nothing of the user's own reaches the emulator, whose Lambda functions inherit all of this."""
    return {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]),  # noqa: PTH120
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LOG_LEVEL": "INFO",
    }


def _wait_until_up(process: subprocess.Popen[bytes], cloud: Cloud) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if status(cloud.port)["pid"] == process.pid:
                return
        time.sleep(_POLL_SECONDS)
    lines = (cloud.state_folder / "cloud.log").read_text(errors="replace").splitlines()[-_LOG_LINES:]
    raise _host_error("\n".join([f"the local cloud on port {cloud.port} did not start; its last lines:", *lines]))


def _wait_until_gone(process: psutil.Process, cloud: Cloud) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        try:
            process.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            raise _host_error(f"the local cloud on port {cloud.port} (process {cloud.pid}) does not end") from None


def _started(folder: Path) -> float:
    found = state.read(folder)
    return 0.0 if found is None else found.started


def _alive(folder: Path) -> Cloud | None:
    found = state.read(folder)
    if found is None:
        return None
    if not found.alive():
        state.remove(folder)
        return None
    return Cloud(found.port, found.pid, f"http://127.0.0.1:{found.port}", folder)


def _host_error(message: str) -> HostError:
    from slipway.specs.errors import HostError  # late: its package reads all that there is to know about specs

    return HostError(message)
