"""The parent's side of a worker."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import model_build
from model_build.job import GO, Event, Job
from slipway.specs import GateError, HostError, Problem, SlipwayError, SpecError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_SECONDS = 0.2
_LAST_SECONDS = 5.0

ERRORS: dict[str, type[SlipwayError]] = {kind.__name__: kind for kind in (GateError, HostError, UsageError)}


class Child:
    """One running worker.

    Args:
        job: What it does.
        log: Receives everything that the source and the libraries print.
        threads: How many it may use until it measures.
    """

    def __init__(self, job: Job, log: Path, threads: int) -> None:
        self._name, self._log, self._step = job.name, log, "start"
        self._file = f"models/{job.name}"
        job_file = Path(job.scratch) / "job.json"
        job.write(job_file)
        reading, writing = os.pipe()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "model_build.worker", str(job_file), str(writing)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                env=_environment(threads),
                cwd=job.root,
                start_new_session=True,  # Ctrl-C goes to the parent, which ends this group
            )
        os.close(writing)
        self._events = os.fdopen(reading, "rb", buffering=0)
        self._lines = self._read_lines()
        self.peak_bytes = 0

    def until(
        self, wanted: str, on_step: Callable[[str], None], on_note: Callable[[str], None] = lambda _: None
    ) -> Event:
        """Follow the child to an event of one kind; steps and how far they are come by the way.

        Raises:
            SlipwayError: What the child met, or that it died.
        """
        for line in self._lines:
            event = self._event(line)
            self.peak_bytes = max(self.peak_bytes, event.peak_bytes)
            if event.kind == wanted:
                return event
            if event.kind == "error":
                raise _error(event)
            if event.kind == "note":
                on_note(event.text)
                continue
            self._step = event.text
            on_step(event.text)
        raise self._died(self._ended())

    def _event(self, line: str) -> Event:
        try:
            return Event.parse(line)
        except (ValueError, TypeError, KeyError) as error:
            raise self._broke("wrote into the pipe between the build and its parent") from error

    def _ended(self) -> int:
        """Return how the child ended; one that only closed its pipe is given a moment for that."""
        try:
            return self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            raise self._broke("closed the pipe between the build and its parent") from None

    def _broke(self, what: str) -> SpecError:
        message = f"{what} during {self._step}: leave alone what it did not open; its output is in {self._log}"
        return SpecError([Problem(self._file, 0, "source", message)])

    def _read_lines(self) -> Iterator[str]:
        """Yield whole lines until the child is gone: what its source forked may hold the pipe open for longer."""
        rest = b""
        while True:
            gone = self._process.poll() is not None
            readable, _, _ = select.select([self._events], [], [], 0 if gone else _LOOK_SECONDS)
            chunk = os.read(self._events.fileno(), 2**16) if readable else b""
            if chunk == b"" and (gone or readable):
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)

    def go_on(self) -> None:
        """Give the word that a proved model waits for."""
        if self._process.stdin is not None:
            self._process.stdin.write(GO.encode())
            self._process.stdin.flush()

    def end(self) -> None:
        """End the child and whatever it started; safe to call at any time."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._events.close()

    def _died(self, code: int) -> SlipwayError:
        where = f"its output is in {self._log}"
        if code < 0:
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            killed = f"killed by {signal.Signals(-code).name}{hint}"
            return HostError(f"{self._name}: the build was {killed} during {self._step}; {where}")
        message = f"the process ended with code {code} during {self._step}, without a result; {where}"
        if self._step == "load":
            return SpecError([Problem(self._file, 0, "source", message)])
        return HostError(f"{self._name}: {message}")


def _environment(threads: int) -> dict[str, str]:
    home = str(Path(model_build.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part != "")
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",  # the order of sets must not reach the graph
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NNCF_CI": "1",  # or it would tell its maker of every use
        "OMP_NUM_THREADS": str(threads),
    }


def _error(event: Event) -> SlipwayError:
    if event.error == SpecError.__name__:
        return SpecError([Problem(*item) for item in event.problems])
    return ERRORS.get(event.error, HostError)(event.text)
