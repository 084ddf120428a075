"""Run ``slipway check`` and four other checkers over the corpus of tests/preflight, and print what each finds.

``python -m benchmarks.preflight_comparison [--rounds 3] [--without TOOL …] [--write]``. checkov is installed once into
an environment of its own under the user's cache, for which the network is needed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.preflight_comparison.corpus import cases, write
from benchmarks.preflight_comparison.page import Result, by_defect, page, table
from benchmarks.preflight_comparison.tools import TOOLS, ToolError

MEASUREMENTS = Path(__file__).resolve().parents[2] / "docs" / "measurements"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="+", default=[], choices=[tool.name for tool in TOOLS[1:]])
    parser.add_argument("--write", action="store_true", help="keep the page under docs/measurements")
    given = parser.parse_args()
    try:
        results = measured(given.rounds, {*given.without})
    except ToolError as error:
        print(f"{error}\nleave a tool out with --without NAME", file=sys.stderr)
        return 1
    corpus = cases()
    print(table(corpus, results))
    if given.write:
        date = dt.datetime.now(tz=dt.UTC).date().isoformat()
        text = page(corpus, results, date=date, rounds=given.rounds)
        (MEASUREMENTS / f"{date}-preflight-comparison.md").write_text(text, encoding="utf-8")
        lines = by_defect(corpus, results)
        (MEASUREMENTS / f"{date}-preflight-comparison.csv").write_text(lines, encoding="utf-8")
    return 0


def measured(rounds: int, without: set[str]) -> list[Result]:
    """Run every tool in turns; what it says is the same each time."""
    tools = [tool for tool in TOOLS if tool.name not in without]
    results = [Result(tool, tool.version(), [], {}) for tool in tools]
    corpus = cases()
    for number in range(rounds):
        for result in results:
            with tempfile.TemporaryDirectory() as scratch:
                paths = write(corpus, Path(scratch) / "templates")
                start = time.monotonic()
                result.said.update(result.tool.run(corpus, paths, Path(scratch)))
                result.seconds.append(time.monotonic() - start)
            tell(f"round {number + 1} of {rounds}: {result.tool.name} {result.seconds[-1]:.1f} s")
    return results


def tell(progress: str) -> None:
    if sys.stderr.isatty():
        print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
