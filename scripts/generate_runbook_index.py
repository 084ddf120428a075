"""Write ``docs/runbooks/README.md`` from the alarms that can be defined.

``python scripts/generate_runbook_index.py`` writes; ``--check`` only says whether the file is what the catalogue gives.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from generated import write_or_check

from slipway.catalog import alarms, metrics
from slipway.catalog.alarms import ROLLBACK_RUNBOOK, UNHEALTHY_RUNBOOK

if TYPE_CHECKING:
    from slipway.catalog import Alarm

TARGET = Path(__file__).parent.parent / "docs" / "runbooks" / "README.md"
HEAD = """# Runbooks

One page for each alarm that an endpoint can have: what it means, who is affected, where to look, what to do. Every
alarm's description names its page; with `runbooks` in an environment's file, by the address that these pages are
published under.

Written by `python scripts/generate_runbook_index.py`.

| alarm | watches | bound in `alarms` | on |
|---|---|---|---|
"""


def row(alarm: Alarm) -> str:
    """One alarm's row; its kinds are those that publish what it watches."""
    names = frozenset(alarm.dimensions)
    kinds = {kind for one in metrics() if one.name == alarm.metric and names in one.dimensions for kind in one.kinds}
    bound = "-" if alarm.key is None else f"`{alarm.key}`"
    of = " of a component" if names == {"InferenceComponentName"} else ""
    watches = f"`{alarm.metric}` {alarm.statistic}{of}"
    return f"| [{alarm.name}]({alarm.runbook}.md) | {watches} | {bound} | {', '.join(sorted(kinds))} |\n"


def index() -> str:
    """The file's text."""
    every = (
        f"| [Unhealthy]({UNHEALTHY_RUNBOOK}.md) | all alarms of an endpoint but its rollbacks' | - | every kind |\n",
        f"| [Rollback]({ROLLBACK_RUNBOOK}.md) | the bounds marked above, of a new fleet | - | those with a rollout |\n",
    )
    rows = [row(alarm).replace("` |", "`, rolls back |", 1) if alarm.rolls_back else row(alarm) for alarm in alarms()]
    return HEAD + "".join((*rows, *every))


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, index, source="the catalogue gives"))
