"""How a build ends that does not end well."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.specs import GateError, HostError, InterruptedByUser, SlipwayError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator


def together(errors: list[SlipwayError]) -> SlipwayError:
    """Return one error for all: the machine's trouble before a wrong spec before a missed gate."""
    if len(errors) == 1:
        return errors[0]
    if all(isinstance(error, SpecError) for error in errors):
        return SpecError(problem for error in errors if isinstance(error, SpecError) for problem in error.problems)
    kind = HostError if any(isinstance(error, HostError) for error in errors) else GateError
    return kind("\n".join(str(error) for error in errors))


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM, and what the machine refuses, into one error, after everything below has cleaned up."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if main else None
    try:
        yield
    except OSError as error:
        raise host_error(error) from error
    except KeyboardInterrupt:
        raise InterruptedByUser("interrupted: nothing half-built is left") from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def host_error(error: OSError) -> HostError:
    """Say what the machine refused."""
    where = f": {error.filename}" if error.filename is not None else ""
    return HostError(f"the build cannot go on: {error.strerror or error}{where}")


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
