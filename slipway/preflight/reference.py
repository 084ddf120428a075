"""Write ``docs/reference/rules.md`` from the rules.

``python -m slipway.preflight.reference`` writes; ``--check`` only says whether the page is what the rules give.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.preflight.check import rules

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
HEAD = """# Rules

<!-- written by python -m slipway.preflight.reference -->

What `slipway check` finds: errors stop a deployment, warnings are good practice. A resource accepts one with a reason:
`Metadata: {slipway: {acknowledge: {RULE: reason}}}`."""


def text() -> str:
    """Return the page."""
    parts = [HEAD]
    for rule in rules():
        lines = [
            f"## {rule.id}",
            (rule.__doc__ or "").strip(),
            f"- **{rule.severity.value}**: {rule.consequence}\n- mend: {rule.mend}\n- source: {rule.source}",
        ]
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts) + "\n"


def main(words: Sequence[str]) -> int:
    """Write the page, or with ``--check`` return 1 if it is not what the rules give."""
    if "--check" not in words:
        PAGE.write_text(text(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text():
        sys.stderr.write(f"{PAGE.name}: not what the rules give, run `python -m slipway.preflight.reference`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
