"""What tests of several rooms share: a copy of the whole project, its built models, the real cdk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
# A shell that runs us in the background lets us ignore Ctrl-C, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
COPIED = ("models", "endpoints", "environments", "lambdas", "containers", "serving")


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own AWS configuration may reach a test."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def built_models() -> Path:
    """The project with every example model built, as `slipway build` leaves it."""
    subprocess.run([Path(sys.executable).with_name("slipway"), "build"], cwd=ROOT, check=True, capture_output=True)
    return ROOT


@pytest.fixture
def project_copy(built_models: Path, tmp_path: Path) -> Path:
    """A project of its own that a test may change: users' files copied, artifacts linked."""
    root = tmp_path / "project"
    for folder in COPIED:
        shutil.copytree(built_models / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(built_models / "artifacts", root / "artifacts", copy_function=os.link)
    for file in ("app.py", "cdk.json", "artifacts.lock"):
        shutil.copy2(built_models / file, root / file)
    (root / "node_modules").symlink_to(built_models / "node_modules")
    return root


@pytest.fixture
def cdk() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the pinned cdk in a project, against the cloud whose variables are given."""

    def run(project: Path, *words: str, connection: dict[str, str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **connection, "VIRTUAL_ENV": sys.prefix, "CDK_VALIDATION": "false"}
        return subprocess.run(
            ["node_modules/.bin/cdk", *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run
