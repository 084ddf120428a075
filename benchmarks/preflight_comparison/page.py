"""What is printed and kept: the table of tools, and one line for each defect."""

from __future__ import annotations

import csv
import io
import os
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.preflight_comparison.corpus import Case
    from benchmarks.preflight_comparison.tools import Remarks, Tool

SOUND: Final = ("good", "public", "mended")
UNSOUND: Final = ("bad", "held out")
PAGE: Final = """# Preflight beside other tools, {date}

`.venv/bin/python -m benchmarks.preflight_comparison --rounds {rounds} --write`; {machine}; Python 3.11, Node 20. The
tools ran in turns, {rounds} times; seconds are the median and hold the start of every process.

The corpus is `tests/preflight`: {good} good templates, {public} in the shape of public examples, {bad} with a single
defect made from the good ones, and {held_out} held out. Our rules were written with the {bad} in mind and have a test
for each, so that "found" says of ours only that the tests pass. The held-out ones come from reports of users whose
deployment failed; they were written before their author had read a rule, and one change puts each right again.

A defect is found by a tool that says anything of the bad template which it does not say of the good one, to the point
or not. An error on a sound template is what the tool itself calls one; checkov knows no severities, so that everything
it says is counted. Policies of cdk-nag and checkov are opinions of what a company allows, not claims that AWS refuses
a template: their errors on sound templates are no mistakes, and no help in telling the sound from the unsound either.

{table}

{how}

{missed}
Every defect and the rules by which each tool found it: [the table beside]({date}-preflight-comparison.csv).
"""


@dataclass(frozen=True)
class Result:
    """What one tool said, and how long each round took it."""

    tool: Tool
    version: str
    seconds: list[float]
    said: Remarks

    def found(self, case: Case) -> list[str]:
        """Rules of the remarks that it makes on a bad template, and not on the good one it was made from."""
        new = self.said.get(case.name, set()) - self.said.get(case.original, set())
        return sorted({remark.rule for remark in new})

    def remarks(self, cases: Iterable[Case], *, error: bool) -> int:
        """Count what it says of these, of one level."""
        return sum(remark.error is error for case in cases for remark in self.said.get(case.name, set()))


def table(corpus: list[Case], results: list[Result]) -> str:
    """Return the table of tools, in Markdown."""
    of_kind = {kind: [case for case in corpus if case.kind == kind] for kind in (*SOUND, *UNSOUND)}
    sound = [case for kind in SOUND for case in of_kind[kind]]
    lines = [
        (
            f"| tool | version | found of {len(of_kind['bad'])} | found of {len(of_kind['held out'])} held out "
            f"| errors on {len(sound)} sound templates | other remarks on them | seconds | ms a template |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        caught = {kind: sum(bool(each.found(case)) for case in of_kind[kind]) for kind in UNSOUND}
        seconds = statistics.median(each.seconds)
        lines.append(
            f"| {each.tool.name} | {each.version} | {caught['bad']} | {caught['held out']} "
            f"| {each.remarks(sound, error=True)}, on {_touched(each, sound)} of them "
            f"| {each.remarks(sound, error=False)} | {seconds:.1f} | {seconds / len(corpus) * 1000:.0f} |"
        )
    return "\n".join(lines)


def page(corpus: list[Case], results: list[Result], *, date: str, rounds: int) -> str:
    """Return the whole measurement, in Markdown."""
    kinds = Counter(case.kind for case in corpus)
    return PAGE.format(
        date=date,
        rounds=rounds,
        machine=machine(),
        good=kinds["good"],
        public=kinds["public"],
        bad=kinds["bad"],
        held_out=kinds["held out"],
        table=table(corpus, results),
        how="\n".join(f"- {each.tool.name}: {each.tool.how}." for each in results),
        missed=_beyond_ours(corpus, results),
    )


def by_defect(corpus: list[Case], results: list[Result]) -> str:
    """Return one line for each defect and one column for each tool, as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["defect", "kind", *(each.tool.name for each in results)])
    for case in (case for case in corpus if case.kind in UNSOUND):
        name = case.name.removeprefix(f"{case.kind.replace(' ', '-')}-")
        writer.writerow([name, case.kind, *(" ".join(each.found(case)) for each in results)])
    return out.getvalue()


def machine() -> str:
    """Say what this runs on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )
    return f"{model}, {os.cpu_count()} cores"


def _touched(result: Result, cases: list[Case]) -> int:
    return sum(any(remark.error for remark in result.said.get(case.name, set())) for case in cases)


def _beyond_ours(corpus: list[Case], results: list[Result]) -> str:
    ours, *others = results
    missed = [case for case in corpus if case.kind in UNSOUND and not ours.found(case)]
    if not missed:
        return "Ours missed none.\n"
    lines = [f"Missed by ours, {len(missed)}:\n"]
    for case in missed:
        by = [f"{each.tool.name} ({', '.join(each.found(case))})" for each in others if each.found(case)]
        lines.append(f"- {case.name}: {'; '.join(by) or 'by all the others too'}")
    return "\n".join(lines) + "\n"
