"""Templates as people write them: those that work have no error, and those that were reported as failing are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from slipway.preflight import Severity, check, has_errors, read_template
from tests.preflight.conftest import GOOD, PUBLIC, HeldOut, defects, held_out

if TYPE_CHECKING:
    from pathlib import Path

HELD_OUT = held_out()
MISSED: Final = frozenset(
    {
        "scale-to-zero-where-it-is-not-offered",
        "token-in-the-environment",
    }
)
"""Held-out defects that no rule finds yet. A rule may take one away; none may be added."""


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_public_shape_has_no_error(path: Path) -> None:
    template = read_template(path)
    found = check(template, region=template["Metadata"]["Public"]["Region"])
    assert [each for each in found if each.severity is Severity.ERROR] == []


@pytest.mark.parametrize("report", HELD_OUT, ids=lambda report: report.name)
def test_mended_report_has_no_error(report: HeldOut) -> None:
    assert not has_errors(check(report.mended, region=report.region))


def test_held_out_defects_are_found() -> None:
    missed = {report.name for report in HELD_OUT if not new_findings(report)}
    print(f"{len(HELD_OUT) - len(missed)} of {len(HELD_OUT)} held-out defects are found")  # noqa: T201  shown with -s
    assert missed <= MISSED


def new_findings(report: HeldOut) -> set[tuple[str, str, str]]:
    bad, mended = (
        {(each.rule, each.resource, each.path) for each in check(template, region=report.region)}
        for template in (report.template, report.mended)
    )
    return bad - mended


def test_corpus_is_as_large_as_promised() -> None:
    assert len(GOOD) + len(PUBLIC) >= 30
    assert len(HELD_OUT) >= 30
    assert len(defects()) >= 100
