from __future__ import annotations

from typing import Annotated

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer


def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="leave the local cloud up")] = False,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Build the examples, deploy them into a local cloud with the real cdk, ask them, compare with the originals."""
    from slipway import demo as room
    from slipway.cli.tables import demo_page

    result = room.run(find_project(project), keep=keep)
    answer(output, result.as_dict(), demo_page(result))
    result.refuse_unchecked()
