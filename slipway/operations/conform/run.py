"""All checks against one server, one after the other."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from slipway.operations.conform.answer import NoAnswerError
from slipway.operations.conform.check import Check, Flaw, Need, Untold
from slipway.operations.conform.checks import checks
from slipway.operations.conform.process import PING_SECONDS
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slipway.operations.conform.departures import Departure
    from slipway.operations.conform.subject import Subject

Outcome = Literal["passed", "departs", "failed", "not run"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Result:
    """What came of one check.

    Args:
        saw: What was seen, or why it was not run.
        why: How the named server comes to depart from what is asked; empty where it does not.
    """

    check: str
    outcome: Outcome
    asks: str
    saw: str
    says: str
    mend: str
    source: str
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class Report:
    """What came of all of them."""

    target: str
    results: tuple[Result, ...]

    def count(self, outcome: str) -> int:
        """Return how many came out so."""
        return sum(result.outcome == outcome for result in self.results)

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        counts = {word.replace(" ", "_"): self.count(word) for word in OUTCOMES}
        return {"target": self.target, **counts, "checks": [asdict(result) for result in self.results]}


def run(
    subject: Subject,
    *,
    only: Sequence[str] = (),
    departures: Sequence[Departure] = (),
    watch: Callable[[Check], None] = lambda _: None,
) -> Iterator[Result]:
    """Yield the result of each check; whatever we started has ended when this is closed.

    Args:
        subject: What is looked at.
        only: Ids of the checks to run. Default: all.
        departures: What the server is known to do otherwise; a failure that is one of them is reported as such.
        watch: Told of each check before it runs.

    Raises:
        HostError: If the server cannot be started, or nobody answers at all.
    """
    try:
        _begin(subject)
        for check in checks():
            if not only or check.id in only:
                watch(check)
                yield _result(check, subject, departures)
    finally:
        for process in (subject.process, subject.failing):
            if process is not None:
                process.kill()


def _begin(subject: Subject) -> None:
    if subject.process is not None:
        subject.process.start()
        subject.process.wait_ready(subject.ping)
    elif subject.lacks([Need.SERVER]) is None:
        _require_somebody(subject)
    try:
        if subject.lacks([Need.SERVER]) is None:
            subject.prepare()
    except (Flaw, NoAnswerError) as error:
        raise HostError(f"the model is not loaded: {error}") from error


def _require_somebody(subject: Subject) -> None:
    place = f"{subject.address.host}:{subject.address.port}"
    try:
        subject.address.connect(PING_SECONDS).close()
    except NoAnswerError:
        raise HostError(f"nobody answers on {place}: start the server, or give --command") from None
    try:
        subject.http.ping(PING_SECONDS)
    except NoAnswerError as error:
        raise HostError(f"{place} does not answer GET /ping: {error}") from None


def _result(check: Check, subject: Subject, departures: Sequence[Departure]) -> Result:
    began = time.monotonic()
    lack = subject.lacks(check.needs)
    outcome: Outcome
    if lack is not None:
        outcome, saw = "not run", lack.value
    elif subject.silent is not None and Need.EXAMPLE in check.needs:
        outcome, saw = "not run", f"the example has no answer: {subject.silent}"
    else:
        outcome, saw = _judged(check, subject)
    known = next((each for each in departures if outcome == "failed" and each.explains(check.id, saw)), None)
    return Result(
        check=check.id,
        outcome=outcome if known is None else "departs",
        asks=check.asks,
        saw=saw,
        says=check.says,
        mend=check.mend,
        source=check.source,
        seconds=round(time.monotonic() - began, 2),
        why="" if known is None else f"{known.why} ({known.source})",
    )


def _judged(check: Check, subject: Subject) -> tuple[Outcome, str]:
    try:
        _revive(subject)
        outcome, saw = outcome_of(check, subject)
        if outcome != "failed":
            _require_alive(check, subject)
    except (Flaw, NoAnswerError) as error:
        return "failed", str(error)
    except HostError as error:
        if subject.process is None:
            raise
        return "failed", str(error)  # it was started before, and now it is not
    return outcome, saw


def outcome_of(check: Check, subject: Subject) -> tuple[Outcome, str]:
    """Run one check, and return what came of it and what was seen."""
    try:
        return "passed", check.run(subject)
    except Untold as error:
        return "not run", str(error)
    except (Flaw, NoAnswerError) as error:
        return "failed", str(error)


def _revive(subject: Subject) -> None:
    """Start a server that the check before has ended, so that each is judged alone."""
    if subject.process is None:
        return
    if not subject.process.runs:
        subject.process.kill()  # its children, if it left any
        subject.start()
    elif not _comes_back(subject):
        subject.process.kill()
        subject.start()


def _require_alive(check: Check, subject: Subject) -> None:
    if check.stops or subject.lacks([Need.SERVER]) is not None:
        return
    if subject.process is not None and not subject.process.runs:
        raise Flaw(f"after that the server ended with {subject.process.code}: {subject.process.last_words()}")
    if not _comes_back(subject):
        raise Flaw(f"after that /ping had no 200 for {_WAIT_SECONDS:g} s")


def _comes_back(subject: Subject) -> bool:
    end = time.monotonic() + _WAIT_SECONDS
    while subject.ping(PING_SECONDS) != 200:  # noqa: PLR2004
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
