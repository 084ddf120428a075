from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import psutil
import pytest

from slipway.local_cloud.hosts.environments import layer
from tests.servers.environments import ASKED_FOR, PROJECT, EnvironmentFailureError, environment

if TYPE_CHECKING:
    from collections.abc import Callable

WHEEL = {
    "boat.py": "def main():\n    print('afloat')\n",
    "boat-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: boat\nVersion: 1\n",
    "boat-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "boat-1.dist-info/entry_points.txt": "[console_scripts]\nboat = boat:main\n",
    "boat-1.dist-info/RECORD": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    wheel = tmp_path / "boat-1-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name, content in WHEEL.items():
            archive.writestr(name, content)
    (tmp_path / "tests" / "servers").mkdir(parents=True)
    (tmp_path / "tests" / "servers" / "requirements-boat.txt").write_text(f"{wheel}\n")
    return tmp_path


def test_all_but_the_benchmarks_own_are_made_before_the_tests() -> None:
    files = [*PROJECT.glob("containers/*/requirements-local.txt"), *PROJECT.glob("tests/servers/requirements-*.txt")]
    names = {
        file.parent.name if file.stem == "requirements-local" else file.stem[len("requirements-") :] for file in files
    }
    assert names - {"litserve"} == set(ASKED_FOR)


def test_environment_is_made_once_when_two_processes_ask_for_it(project: Path) -> None:
    ask = "import sys; from pathlib import Path; from tests.servers.environments import environment as e; "
    ask += f"print(e('boat', project=Path({str(project)!r}), folder=Path({str(project / 'made')!r})))"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", ask], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert said[0][0] == said[1][0], said
    assert sorted(errors.count("servers: made") for _, errors in said) == [0, 1]
    script = Path(said[0][0].strip()) / "bin" / "boat"
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == "afloat\n"


def test_environment_is_another_when_it_lies_over_the_projects(project: Path) -> None:
    before = environment("boat", project=project, folder=project / "made")
    made = environment("boat", over_project=True, project=project, folder=project / "made")
    ask = "import boat, importlib.util as u; print(*(u.find_spec(name) is not None for name in ('yaml', 'slipway')))"
    python = [[str(each / "bin" / "python"), "-Ic", ask] for each in (before, made)]
    found = [subprocess.run(command, capture_output=True, check=True).stdout for command in python]
    assert found == [b"False False\n", b"True False\n"]


def test_what_one_container_installs_no_other_sees(project: Path) -> None:
    made = environment("boat", over_project=True, project=project, folder=project / "made")
    first, second = (layer(made, project / name) for name in ("first", "second"))
    newer = project / "newer"
    newer.mkdir()
    with ZipFile(newer / "boat-2-py3-none-any.whl", "w") as archive:
        for name, content in WHEEL.items():
            archive.writestr(name.replace("boat-1", "boat-2"), content.replace("Version: 1\n", "Version: 2\n"))
    words = [
        "-m",
        "pip",
        "--python",
        str(first / "bin" / "python"),
        "install",
        "--no-index",
        "--find-links",
        str(newer),
    ]
    subprocess.run([sys.executable, *words, "boat==2"], check=True, capture_output=True)
    ask = "import importlib.metadata as m, yaml; print(m.version('boat'))"
    said = [
        subprocess.run([each / "bin" / "python", "-Ic", ask], capture_output=True, check=True, text=True).stdout
        for each in (first, second, layer(made, first))
    ]
    assert said == ["2\n", "1\n", "2\n"]


def test_nothing_is_left_when_pip_refuses(project: Path) -> None:
    (project / "tests" / "servers" / "requirements-boat.txt").write_text("--no-index\nno-such-boat==1\n")
    with pytest.raises(EnvironmentFailureError, match=r"boat: pip ended with 1: .*no-such-boat==1"):
        environment("boat", project=project, folder=project / "made")
    assert [path.name for path in (project / "made").iterdir()] == ["boat.lock"]


def test_environment_is_refused_when_no_file_says_what_it_is(project: Path) -> None:
    with pytest.raises(EnvironmentFailureError, match="raft: no requirements"):
        environment("raft", project=project, folder=project / "made")


def test_environment_that_cannot_be_kept_is_one_error(project: Path) -> None:
    (project / "file").touch()
    with pytest.raises(EnvironmentFailureError, match=r"boat: .*/file/made: Not a directory"):
        environment("boat", project=project, folder=project / "file" / "made")


def test_installer_that_outlives_its_killed_parent_still_holds_the_lock(tmp_path: Path) -> None:
    install = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    make = (
        "import sys; from pathlib import Path; from slipway.local_cloud.hosts import environments as e\n"
        f"with e._alone(Path({str(tmp_path / 'lock')!r})) as lock:\n"
        f"    e._run('boat', [sys.executable, '-c', {install!r}, {str(tmp_path / 'began')!r}], lock)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", make], cwd=PROJECT)
    wait_for((tmp_path / "began").exists)
    [child] = psutil.Process(parent.pid).children()
    try:
        parent.kill()
        parent.wait()
        with (tmp_path / "lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        child.kill()
    wait_for(lambda: is_free(tmp_path / "lock"))


def is_free(path: Path) -> bool:
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)
