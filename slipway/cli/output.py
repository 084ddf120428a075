"""How commands speak: answers to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from slipway.cli.options import Format
from slipway.specs import SlipwayError, SpecError

if TYPE_CHECKING:
    from rich.console import RenderableType


def say(message: str) -> None:
    """Tell the user something that is not the answer."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201  this is the place that prints


def answer(chosen: Format, document: Any, picture: RenderableType) -> None:
    """Give a command's answer.

    Args:
        chosen: What the user asked for.
        document: The whole answer for machines.
        picture: The same for eyes.
    """
    if chosen is Format.JSON:
        print(json.dumps(document, indent=2))  # noqa: T201
        return
    from rich.console import Console

    from slipway.cli.tables import WITHOUT_EDGE

    console = Console()
    # Off a terminal rich assumes 80 columns and cuts tables; a log or a pipe has no edge.
    Console(width=None if console.is_terminal else WITHOUT_EDGE, soft_wrap=not console.is_terminal).print(picture)


def report_error(error: SlipwayError, *, as_json: bool) -> int:
    """Say what went wrong, once, and return the exit code."""
    say(str(error))
    if as_json:
        print(json.dumps({"error": _described(error)}, indent=2))  # noqa: T201
    return error.exit_code


def _described(error: SlipwayError) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    if isinstance(error, SpecError):
        described["problems"] = [vars(problem) for problem in error.problems]
    return described
