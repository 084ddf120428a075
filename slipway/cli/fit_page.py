"""Whether a model fits, for eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.fit_fleets import Placed
    from slipway.fit import Fit, Plan


def page(
    name: str,
    on: Fit | None,
    least: Fit | None,
    region: str | None,
    planned: Plan | None = None,
    running: Sequence[Placed] = (),
) -> Group:
    """Return the arithmetic on one machine, and on the smallest.

    Args:
        name: The model's.
        on: The machine that was asked for, if one was.
        least: The smallest that fits, if there is one.
        region: Where that is sold; None: anywhere.
        planned: How few GPUs can share it on the machine that was asked for; shown where there are several.
        running: The fleets of an environment that host it.
    """
    where = "" if region is None else f" in {region}"
    parts = [] if on is None else _block(f"{name} on {on.machine}, {on.place}", on)
    if planned is not None and planned.gpus > 1:
        parts.append(Text(f"the smallest tensor-parallel degree on {planned.machine}", style="bold"))
        parts += [Text(f"  {line}") for line in planned.lines()]
    if least is None:
        parts.append(Text(f"no type{where} holds it", style="bold red"))
    elif on is None or on.machine != least.machine or on.degree != least.degree:
        parts += _block(f"the smallest type that holds {name}{where}: {least.machine}, {least.place}", least)
    else:
        parts.append(Text(f"no smaller type{where} holds it"))
    for each in running:
        parts += (
            _block(each.fleet.line(), each.fit) if each.fit is not None else [Text(each.fleet.line(), style="bold")]
        )
        parts += [] if each.fit is not None else [Text(f"  {each.reason}", style="bold red")]
    return Group(*parts)


def _block(title: str, found: Fit) -> list[Text]:
    *lines, verdict = found.lines()
    colour = "green" if found.fits else "bold red"
    return [Text(title, style="bold"), *(Text(f"  {line}") for line in lines), Text(f"  {verdict}", style=colour)]
