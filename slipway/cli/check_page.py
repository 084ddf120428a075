"""Findings for eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.preflight import Finding

COLOURS = {"error": "bold red", "warning": "yellow"}


def page(found: Mapping[str, Sequence[Finding]]) -> Group:
    """Return what was found, file by file, and a last line that counts."""
    lines = [line for file, findings in found.items() if findings for line in _of_file(file, findings)]
    return Group(*lines, Text(_count([each for findings in found.values() for each in findings])))


def _of_file(file: str, findings: Sequence[Finding]) -> Iterator[Text]:
    yield Text(file, style="bold")
    for each in findings:
        word = each.severity.value if each.acknowledged is None else "accepted"
        yield Text.assemble(
            "  ", (word, COLOURS.get(word, "dim")), f"  {each.rule}  {each.resource}.{each.path}: {each.message}"
        )
        yield Text(f"      {each.mend if each.acknowledged is None else each.acknowledged}", style="dim")


def _count(findings: Sequence[Finding]) -> str:
    if not findings:
        return "nothing found"
    open_ones = [each.severity.value for each in findings if each.acknowledged is None]
    counts = [f"{open_ones.count(word)} {word}{'' if open_ones.count(word) == 1 else 's'}" for word in COLOURS]
    accepted = len(findings) - len(open_ones)
    return ", ".join([*counts, *([f"{accepted} accepted"] if accepted else [])])
