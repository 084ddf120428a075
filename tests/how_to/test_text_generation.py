"""What the how-to says, done: built, served by our own server, asked with its commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.local_cloud.ports import free_port
from tests.local_cloud.conftest import alive, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "text-generation.md").read_text(encoding="utf-8")
PREPARE, SERVE, ASK, STREAM = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def shell(script: str, folder: Path, port: int = 0) -> str:
    """Run a script of the page in a project that borrows this one's environment."""
    script = script.replace("8080", str(port))
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    (folder / "models/story-teller").mkdir(parents=True)
    (folder / "endpoints").mkdir()
    for _, name, text in re.findall(r"```(yaml|python)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    shell(PREPARE, folder)
    return folder


@pytest.fixture(scope="module")
def port(project: Path) -> Iterator[int]:
    number = free_port()
    pid = int(shell(SERVE + "echo $!", project, number))
    try:
        eventually(lambda: is_ready(number) or not alive(pid), seconds=240)
        assert alive(pid)
        yield number
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: not alive(pid))


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60):
            return True
    except OSError:
        return False


def test_artifact_tells_of_reading_and_of_making(project: Path) -> None:
    [path] = (project / "artifacts/story-teller").glob("*/manifest.json")
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    assert [row["shape"] for row in manifest["benchmark"]] == ["1x16x0", "1x1x16"]
    assert manifest["proof"]["metric"] == "kl_similarity"
    assert 0.98 <= manifest["proof"]["bound"] < 1
    assert manifest["archive"]["size_bytes"] < 0.6 * manifest["reference_bytes"]


def test_server_answers_as_the_page_says(project: Path, port: int) -> None:
    found = json.loads(shell(ASK, project, port))
    assert found.keys() == json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]).keys()
    assert found["generated_tokens"] == [20, 20]
    assert all(text != "" for text in found["generated_text"])


def test_server_streams_as_the_page_says(project: Path, port: int) -> None:
    *tokens, last = [json.loads(line) for line in shell(STREAM, project, port).splitlines()]
    assert len(tokens) == 5
    assert "".join(line["text"] for line in tokens) == last["generated_text"]
    assert shell(STREAM, project, port).splitlines()[-1] == json.dumps(last, separators=(",", ":"), ensure_ascii=False)
