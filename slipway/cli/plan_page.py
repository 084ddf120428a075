"""A plan for eyes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.markup import escape

from slipway.cli.tables import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.operations import StackPlan

COUNTS: Final = ("nothing", "one", "two")


def plan_page(plans: Sequence[StackPlan], *, applied: bool) -> Group:
    """Each stack with what it needs and why, and the commands where nobody ran them yet."""
    table = Rows("stack", "deployments", "replaced", "changed", "added", "removed")
    for plan in plans:
        changes = plan.changes
        sets = (changes.replaced, changes.changed, changes.added, changes.removed)
        table.add(plan.stack, COUNTS[len(plan.steps)], *(_kinds(names) for names in sets))
    why = [f"{plan.stack}: {escape(reason)}" for plan in plans for reason in plan.reasons]
    steps = steps_of(plans)
    if not steps:
        return Group(table, "\nNothing to deploy.")
    if applied:
        return Group(table, *why, "\nDeployed.")
    return Group(table, *why, "\nTo deploy, in this order, or all of it with --apply:", *map(escape, steps))


def steps_of(plans: Sequence[StackPlan]) -> list[str]:
    """Return every deployment as a command line, with what it is for."""
    return [
        f"  npx cdk {shlex.join(step.command)}    # {plan.endpoint}: {step.does}"
        for plan in plans
        for step in plan.steps
    ]


def _kinds(names: Sequence[str]) -> str:
    """Count resources by their type: ``EndpointConfig, 2 Alarm``."""
    kinds = [name.split()[0].rpartition("::")[2] for name in names]
    counts = {kind: kinds.count(kind) for kind in kinds}
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts.items())
