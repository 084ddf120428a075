"""Write ``docs/reference/conform.md`` from the checks.

``python -m slipway.operations.conform.reference`` writes; ``--check`` only says whether the page is what they give.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.operations.conform.checks import checks
from slipway.operations.conform.departures import DEPARTURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.operations.conform.departures import Departure

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conform.md"
HEAD = """# Checks of a server

<!-- written by python -m slipway.operations.conform.reference -->

What `slipway conform` asks of a server, in the order in which it asks. A check that needs what was not given is
reported as not run, never as passed."""


KNOWN = """# What servers do otherwise by their nature

With `--server NAME`, and of an endpoint's own server, these are reported as **departs**, with what comes of it, and do
not make the exit code 1. No option, layout or handler mends them. What such a check sees else is a failure."""


def text() -> str:
    """Return the page."""
    parts = [HEAD]
    for check in checks():
        needs = "needs: " + "; ".join(need.value for need in check.needs)
        facts = f"- otherwise: {check.says}\n- mend: {check.mend}\n- {needs}\n- source: {check.source}"
        parts.append(f"## {check.id}\n\n{check.asks}\n\n{facts}")
    return "\n\n".join([*parts, KNOWN, *_known()]) + "\n"


def _known() -> Iterator[str]:
    for server, departures in DEPARTURES.items():
        lines = (f"- {each.check}{_of_many(each)}: {each.why} ({each.source})" for each in departures)
        yield f"### {server}\n\n" + "\n".join(lines)


def _of_many(departure: Departure) -> str:
    return ", with many models" if departure.of_many else ""


def main(words: Sequence[str]) -> int:
    """Write the page, or with ``--check`` return 1 if it is not what the checks give."""
    if "--check" not in words:
        PAGE.write_text(text(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text():
        sys.stderr.write(
            f"{PAGE.name}: not what the checks give, run `python -m slipway.operations.conform.reference`\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
