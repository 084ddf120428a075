"""What the how-tos about several containers say, done: deployed by the real cdk, asked as they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    Cdk = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
PAGES = {name: ROOT / "docs" / "how-to" / f"{name}.md" for name in ("multi-container", "pipeline")}
ENDPOINTS = {"multi-container": "reading-room", "pipeline": "picture-reader"}


def block(page: str, language: str) -> str:
    found: str
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGES[page].read_text(encoding="utf-8"), re.DOTALL)
    return found


def commands(page: str, program: str) -> list[list[str]]:
    """The commands of a page that call one program, without its name."""
    lines = [shlex.split(line.removeprefix("$ ")) for line in block(page, "console").splitlines()]
    return [words[words.index(program) + 1 :] for words in lines if program in words]


@pytest.fixture
def endpoints() -> Collection[str]:
    return ENDPOINTS.values()


@pytest.fixture
def deployed(
    project_copy: Path, cdk: Cdk, bootstrap: Callable[[dict[str, str]], None]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A project whose endpoints of several containers were deployed as the pages say."""
    from slipway import local_cloud

    cloud = local_cloud.start(project_copy, leash=True)
    try:
        connection = cloud.environment()
        bootstrap(connection)
        for words in commands("multi-container", "cdk"):
            done = cdk(project_copy, *words, "--require-approval", "never", connection=connection)
            assert done.returncode == 0, done.stderr
        yield project_copy, connection
    finally:
        local_cloud.stop(cloud)


@pytest.mark.parametrize("page", PAGES)
def test_spec_is_the_example(page: str) -> None:
    assert block(page, "yaml") == (ROOT / "endpoints" / f"{ENDPOINTS[page]}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_program_is_python(page: str) -> None:
    compile(block(page, "python"), page, "exec")


@pytest.mark.local_cloud
@pytest.mark.slow
def test_commands_and_programs_get_their_answers(deployed: tuple[Path, dict[str, str]]) -> None:
    project, connection = deployed
    answers = {}
    for page in PAGES:
        for words in commands(page, ".venv/bin/slipway"):
            done = run([str(Path(sys.executable).with_name("slipway")), *words], project, connection)
            assert done.returncode == 0, done.stderr
            if words[0] == "invoke":
                answers[words[-1]] = json.loads(done.stdout)
    assert answers.keys() == {"sentences", "digits", "picture-reader"}
    assert len(answers["sentences"]["embeddings"][0]) == 384
    assert len(answers["digits"]["predictions"]) == len(answers["picture-reader"]["predictions"]) == 1
    said = {page: run([sys.executable, "-c", block(page, "python")], project, connection).stdout for page in PAGES}
    assert said == {"multi-container": "384\n", "pipeline": "1\n"}
    for words, message in (
        (["reading-room"], "hosts several containers: choose one with --container (known: sentences, digits)"),
        (
            ["reading-room", "--container", "digit"],
            "'digit' is not a container of 'reading-room', did you mean 'digits'?",
        ),
        (["picture-reader", "--container", "read"], "'picture-reader' is of kind pipeline and lets nobody choose"),
    ):
        refused = run([str(Path(sys.executable).with_name("slipway")), "invoke", *words], project, connection)
        assert refused.returncode == 2
        assert message in refused.stderr


def run(words: list[str], project: Path, connection: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **connection}
    return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300)
