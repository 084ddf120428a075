"""The ``slipway`` command: parse and call, nothing else. A command's room is imported only when that command runs."""

from __future__ import annotations

import os
import sys
from itertools import pairwise

import typer
from typer.exceptions import TyperException

from slipway.cli import build, demo, invoke, local
from slipway.cli.output import report_error
from slipway.specs import HostError, InterruptedByUser, SlipwayError, UsageError

app = typer.Typer(
    name="slipway",
    help="Build machine-learning models and launch them on Amazon SageMaker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("build")(build.build)
app.command("demo")(demo.demo)
app.command("invoke")(invoke.invoke)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command line: exit code 0 done, 1 a failed gate, 2 bad usage or spec, 3 the machine, 4 interrupted."""
    words = sys.argv[1:]
    debug = "--debug" in words
    try:
        app(args=[word for word in words if word != "--debug"], standalone_mode=False)
    except Exception as error:
        if debug:
            raise
        sys.exit(report_error(_as_slipway_error(error), as_json=_asks_for_json(words)))
    except KeyboardInterrupt:
        sys.exit(report_error(InterruptedByUser("interrupted"), as_json=_asks_for_json(words)))
    sys.exit(0)


def _as_slipway_error(error: Exception) -> SlipwayError:
    if isinstance(error, SlipwayError):
        return error
    if isinstance(error, TyperException):
        return UsageError(f"{error.message[:1].lower()}{error.message[1:].rstrip('.')} (--help lists what is accepted)")
    if isinstance(error, typer.Abort):
        return InterruptedByUser("interrupted")
    if isinstance(error, OSError):
        return HostError(f"{error.filename or 'the machine'}: {os.strerror(error.errno) if error.errno else error}")
    return HostError(f"a fault in slipway itself: {type(error).__name__}: {error} (--debug shows where)")


def _asks_for_json(words: list[str]) -> bool:
    pairs = list(pairwise(words))
    return "--format=json" in words or ("--format", "json") in pairs
