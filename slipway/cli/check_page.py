"""Findings for eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.preflight import Finding
    from slipway.preflight.source import Checked

COLOURS = {"error": "bold red", "warning": "yellow"}


def page(checked: Sequence[Checked]) -> Group:
    """Return what was found, template by template, and a last line that counts."""
    lines = [line for each in checked if each.findings for line in _of_template(each)]
    return Group(*lines, Text(_count(checked)))


def _of_template(checked: Checked) -> Iterator[Text]:
    source = checked.source
    place = "" if source.environment is None else f" in {source.environment}"
    yield Text(f"{source.file}{place}", style="bold")
    for each, line in zip(checked.findings, checked.lines(), strict=True):
        word = each.severity.value if each.acknowledged is None else "accepted"
        where = "" if line is None else f"line {line}  "
        yield Text.assemble("  ", (word, COLOURS.get(word, "dim")), f"  {where}{each.rule}  {_place(each)}")
        yield Text(f"      {each.message}")
        yield Text(f"      {each.mend if each.acknowledged is None else each.acknowledged}", style="dim")


def _place(finding: Finding) -> str:
    """Name the resource as its author does: by its construct, where a CDK app made it."""
    return ".".join(part for part in (finding.construct or finding.resource, finding.path) if part)


def _count(checked: Sequence[Checked]) -> str:
    findings = [finding for each in checked for finding in each.findings]
    where = f" in {len(checked)} templates" if len(checked) > 1 else ""
    if not findings:
        return f"nothing found{where}"
    open_ones = [each.severity.value for each in findings if each.acknowledged is None]
    counts = [f"{open_ones.count(word)} {word}{'' if open_ones.count(word) == 1 else 's'}" for word in COLOURS]
    accepted = len(findings) - len(open_ones)
    return ", ".join([*counts, *([f"{accepted} accepted"] if accepted else [])]) + where
