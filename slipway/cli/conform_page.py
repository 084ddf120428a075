"""A report of checks, for eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.operations.conform import Report, Result


def page(report: Report) -> Any:
    """Return a table of all checks, and below it what comes of those that failed and how to mend it."""
    from rich.console import Group

    from slipway.cli.tables import Rows
    from slipway.operations.conform import OUTCOMES

    table = Rows("check", "outcome", "seconds", "seen")
    for result in report.results:
        table.add(result.check, result.outcome, f"{result.seconds:.1f}", result.saw)
    told = [_told(result) for result in report.results if result.outcome in {"failed", "departs"}]
    counts = ((report.count(word), word) for word in OUTCOMES)
    said = (f"{count} {word}" for count, word in counts if count or word != "departs")
    return Group(table, *told, "\n" + ", ".join(said))


def _told(result: Result) -> str:
    last = f"by its nature: {result.why}" if result.outcome == "departs" else f"mend: {result.mend}"
    return f"\n{result.check}: {result.asks}\n  {result.says}\n  {last}"
