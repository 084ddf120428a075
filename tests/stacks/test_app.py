"""The app as the real CLI runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
BLOCKED = ("torch", "boto3", "botocore", "onnxruntime")


@pytest.fixture(scope="session")
def house(project: Path, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a copy of the whole house in a folder of its own."""

    def copy(name: str) -> Path:
        root = tmp_path_factory.mktemp(name) / name
        shutil.copytree(project, root)
        shutil.copytree(sources, root, dirs_exist_ok=True)
        shutil.copytree(REPOSITORY / "stacks", root / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("app.py", "cdk.json"):
            shutil.copy(REPOSITORY / file, root)
        return root

    return copy


def cdk(root: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # As a user without an activated environment has it: cdk.json finds the interpreter.
    environment = {**os.environ, "CI": "true", "CDK_DISABLE_CLI_TELEMETRY": "true", "VIRTUAL_ENV": sys.prefix}
    environment |= {"CDK_VALIDATION": "false", **variables}
    return subprocess.run(
        [str(CDK), *words], cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_synth_is_byte_identical_over_folders_and_needs_no_torch_nor_boto3(
    house: Callable[[str], Path], tmp_path: Path
) -> None:
    for module in BLOCKED:
        (tmp_path / f"{module}.py").write_text(f"raise ImportError('{module} is blocked')\n", encoding="utf-8")
    outs = []
    for name in ("here", "somewhere-else"):
        root = house(name)
        made = cdk(root, "synth", "--quiet", "--context", "environment=prod", PYTHONPATH=str(tmp_path))
        assert made.returncode == 0, made.stderr
        outs.append(files(root / "cdk.out"))
        assert not [path for path, content in outs[-1].items() if str(root).encode() in content]
    assert outs[0].keys() == outs[1].keys()
    assert [path for path in outs[0] if outs[0][path] != outs[1][path]] == []


def test_environment_is_local_by_default(house: Callable[[str], Path]) -> None:
    listed = cdk(house("listed"), "list")
    stacks = ["build", "shared", *Project(REPOSITORY).deployment("local", with_artifacts=False).endpoints]
    found = listed.stdout.split()
    assert sorted(found) == sorted(f"slipway-local-{name}" for name in stacks), listed.stderr
    assert found[0] == "slipway-local-shared"


def test_part_that_there_is_not_is_bad_usage(house: Callable[[str], Path]) -> None:
    listed = cdk(house("part"), "list", "--context", "part=builds")
    assert "'builds' is not a part of an environment: the only one is 'build'" in listed.stderr


def test_stack_that_builds_is_listed_alone(house: Callable[[str], Path]) -> None:
    root = house("alone")
    (root / "artifacts.lock").unlink()  # no model is built yet
    listed = cdk(root, "list", "--context", "part=build")
    assert listed.stdout.split() == ["slipway-local-build"], listed.stderr


def test_error_of_a_user_is_one_message_with_its_exit_code(house: Callable[[str], Path]) -> None:
    root = house("broken")
    context = {**json.loads((root / "cdk.json").read_text(encoding="utf-8"))["context"], "environment": "prd"}
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        env={**os.environ, "CDK_CONTEXT_JSON": json.dumps(context)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 2
    assert "environment 'prd' has no file" in ended.stderr
    assert "did you mean 'prod'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_interruption_is_one_line(house: Callable[[str], Path]) -> None:
    root = house("interrupted")
    app = subprocess.Popen(
        [sys.executable, "app.py"], cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with app:
        while app.poll() is None and not psutil.Process(app.pid).children():
            time.sleep(0.01)  # until Node is there, which a terminal's Ctrl-C ends too
        os.killpg(app.pid, signal.SIGINT)
        _, said = app.communicate(timeout=300)
    assert (app.returncode, said) == (4, "interrupted\n")


def test_what_node_cannot_write_is_one_line(house: Callable[[str], Path]) -> None:
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=house("unwritable"),
        env={**os.environ, "CDK_OUTDIR": f"{__file__}/cdk.out", "CDK_CONTEXT_JSON": "{}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    [said] = ended.stderr.splitlines()
    assert ended.returncode == 3
    assert said.startswith(f"ENOTDIR: not a directory, mkdir '{__file__}/cdk.out'")


def test_app_stays_a_door() -> None:
    assert len((REPOSITORY / "app.py").read_text(encoding="utf-8").splitlines()) <= 40


def test_constructs_is_a_source_root_and_no_package() -> None:
    assert not (REPOSITORY / "constructs" / "__init__.py").exists()
