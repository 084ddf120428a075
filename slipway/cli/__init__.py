"""The ``slipway`` command: parse and call, nothing else. A command's room is imported only when that command runs."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise

import typer
from typer.exceptions import TyperException

from slipway.cli import build, check, conform, demo, fit, images, invoke, local, plan, usage
from slipway.cli.output import report_error
from slipway.specs import HostError, InterruptedByUser, SlipwayError, UsageError

NOT_FOR_SYNTH = {"boto3", "botocore", "filelock", "h11", "httpx", "ministack", "numpy", "psutil"}
"""What our own rooms import and an environment that was made for `cdk synth` lacks."""

INTERRUPTED = 130
"""What typer answers instead of raising, when Ctrl-C comes."""

app = typer.Typer(
    name="slipway",
    help="Build machine-learning models and launch them on Amazon SageMaker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# Short enough for one line of 80 columns; typer would cut the commands' own first sentences.
app.command("build", short_help="Build models, and prove them against the originals.")(build.build)
app.command("check", short_help="Find what a template would fail at, before it is deployed.")(check.check)
app.command("conform", short_help="Check a server against SageMaker's contract.")(conform.conform)
app.command("demo", short_help="Build, deploy locally, ask, and compare with the originals.")(demo.demo)
app.command("fit", short_help="Say whether a model fits a machine, and the smallest.")(fit.fit)
app.command("images", short_help="List AWS's images, and warn of those that end.")(images.images)
app.command("invoke")(invoke.invoke)
app.command("plan", short_help="Say which deployments a change needs; --apply runs them.")(plan.plan)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command line: exit code 0 done, 1 a failed gate, 2 bad usage or spec, 3 the machine, 4 interrupted."""
    words = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us wants what Ctrl-C wants
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        _run([word for word in words if word != "--debug"])
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in words:
            raise
        sys.exit(report_error(_as_slipway_error(error), as_json=_asks_for_json(words)))


def _run(words: list[str]) -> None:
    code = app(args=words, standalone_mode=False)
    if code == INTERRUPTED:
        raise InterruptedByUser("interrupted")
    if isinstance(code, int):  # a command that answered, and what it found is no success
        sys.exit(code)


def _as_slipway_error(error: BaseException) -> SlipwayError:
    if isinstance(error, SlipwayError):
        return error
    if isinstance(error, TyperException):
        return UsageError(usage.explain(error))
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return InterruptedByUser("interrupted")
    if isinstance(error, ModuleNotFoundError) and error.name in NOT_FOR_SYNTH:
        return HostError(f"the package '{error.name}' is not installed: run `make setup`")
    if isinstance(error, OSError):
        return HostError(f"{error.filename or 'the machine'}: {os.strerror(error.errno) if error.errno else error}")
    return HostError(f"a fault in slipway itself: {type(error).__name__}: {error} (--debug shows where)")


def _asks_for_json(words: list[str]) -> bool:
    pairs = list(pairwise(words))
    return "--format=json" in words or ("--format", "json") in pairs
