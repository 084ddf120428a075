"""How a synth ends that cannot go on: without a traceback where there is nothing to mend in the code."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType, TracebackType

HOST, INTERRUPTED = 3, 4
"""As in ``slipway.specs.errors``, which is imported too late to tell of a Ctrl-C while that goes on."""

_NODE_SAYS = re.compile(r"(E[A-Z]{3,}: [^\n]+)")
"""What Node says where the system refuses something; CDK does its work there, and it comes to us as a RuntimeError."""

_interrupted = False


def end_plainly() -> None:
    """Have our own errors, Ctrl-C, a full disk and the like told without a traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    sys.excepthook = _end


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    global _interrupted  # noqa: PLW0603  Node dies of the same Ctrl-C, and what is raised then is of its death
    _interrupted = True
    raise KeyboardInterrupt


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if _interrupted:
        _say("interrupted", INTERRUPTED)
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):  # a SlipwayError: what users wrote is wrong, or their machine
        _say(str(error), code)
    refused = _NODE_SAYS.match(str(error)) if kind is RuntimeError else None
    if refused is not None:
        _say(refused[1], HOST)
    if isinstance(error, OSError) and error.errno is not None:
        _say(f"{error.filename or 'the machine'}: {os.strerror(error.errno)}", HOST)
    sys.__excepthook__(kind, error, trace)


def _say(line: str, code: int) -> NoReturn:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
    os._exit(code)  # an orderly end would ask Node, which may be gone, to end too
