"""What tests of several rooms share: a copy of the whole project, its built models, the real cdk."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ROOT = Path(__file__).parents[1]
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as the build and the server have it
# A shell that runs us in the background lets us ignore Ctrl-C, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Hundreds of processes import the project: one of them compiles it, whatever the shell says of that.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
SECONDS = ROOT / "tests" / "seconds.json"  # what the long files take, by `make test RECORD=1`
LONG_SECONDS = 10
COPIED = ("models", "endpoints", "environments", "lambdas", "containers", "serving")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-seconds", action="store_true", help=f"write what each file took into {SECONDS.name}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hand out the files that take longest first: no worker is left alone with one at the end."""
    if not hasattr(config, "workerinput"):  # one process: whoever runs that wants the quick ones first
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    took: dict[str, float] = json.loads(SECONDS.read_text(encoding="utf-8"))
    weights = {path: took.get(str(path.relative_to(ROOT))) or guess(tests) for path, tests in files.items()}
    items[:] = [item for path in sorted(files, key=weights.__getitem__, reverse=True) for item in files[path]]


def guess(tests: list[pytest.Item]) -> float:
    """How many seconds a file takes that has not been recorded."""
    slow, cloud = (sum(item.get_closest_marker(name) is not None for item in tests) for name in ("slow", "local_cloud"))
    return 10 * slow + 2 * cloud + len(tests) / 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--record-seconds"):
        return
    took: defaultdict[str, float] = defaultdict(float)
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            took[report.nodeid.partition("::")[0]] += report.duration
    known = {path: seconds for path, seconds in json.loads(SECONDS.read_text()).items() if (ROOT / path).exists()}
    kept = {path: round(seconds) for path, seconds in {**known, **took}.items() if seconds >= LONG_SECONDS}
    SECONDS.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own AWS configuration may reach a test."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Have a folder filled once a run, by the first of the workers that needs it; nobody may change what is in it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / name).exists():
                making = shared / f"{name}.making"
                shutil.rmtree(making, ignore_errors=True)
                making.mkdir()
                fill(making)
                making.rename(shared / name)
        return shared / name

    return filled


@pytest.fixture(scope="session")
def built_models() -> Path:
    """The project with every example model built, as `slipway build` leaves it."""
    subprocess.run([Path(sys.executable).with_name("slipway"), "build"], cwd=ROOT, check=True, capture_output=True)
    return ROOT


@pytest.fixture
def endpoints() -> Collection[str] | None:
    """The endpoints that a copy of the project keeps: all of them, unless a module says less to be synthesised."""
    return None


@pytest.fixture
def project_copy(built_models: Path, endpoints: Collection[str] | None, tmp_path: Path) -> Path:
    """A project of its own that a test may change: users' files copied, artifacts linked."""
    root = tmp_path / "project"
    for folder in COPIED:
        shutil.copytree(built_models / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    # By a test that runs beside this one; and a lock that is linked would be held by all copies' builds.
    under_way = shutil.ignore_patterns(".packing", ".building-*", ".lock")
    shutil.copytree(built_models / "artifacts", root / "artifacts", copy_function=os.link, ignore=under_way)
    for file in ("app.py", "cdk.json", "artifacts.lock"):
        shutil.copy2(built_models / file, root / file)
    (root / "node_modules").symlink_to(built_models / "node_modules")
    if endpoints is not None:
        keep(root, endpoints)
    return root


def keep(project: Path, endpoints: Collection[str]) -> None:
    """Take every other endpoint out of a project, and what its environments say of it."""
    for file in (project / "endpoints").glob("*.yaml"):
        if file.stem not in endpoints:
            file.unlink()
    for file in (project / "environments").glob("*.yaml"):
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        said["endpoints"] = {name: more for name, more in said.get("endpoints", {}).items() if name in endpoints}
        said["leave_out"] = [name for name in said.get("leave_out", ()) if name in endpoints]
        file.write_text(yaml.safe_dump(said), encoding="utf-8")


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
            timeout=600,
        )

    return run


@pytest.fixture
def bootstrap(cdk: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Callable[[dict[str, str]], None]:
    """Bootstrap a cloud from a folder without an app: beside one, cdk would synthesise it first and look no further."""

    def run(connection: dict[str, str]) -> None:
        folder = tmp_path / "without-app"
        folder.mkdir()
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        done = cdk(folder, "bootstrap", "aws://000000000000/us-east-1", connection=connection)
        assert done.returncode == 0, done.stderr

    return run
