"""The command in this very process, where starting one for each test would take most of the time."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from slipway.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., "Done"]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``slipway check`` with these words."""

    def call(*words: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["slipway", "check", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        monkeypatch.setattr("signal.signal", lambda *_: None)
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call
