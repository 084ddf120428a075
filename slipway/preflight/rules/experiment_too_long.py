from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = dt.timedelta(days=30)


class ExperimentTooLong(Rule):
    """An experiment ends after it starts, within 30 days."""

    id = "ExperimentTooLong"
    severity = Severity.ERROR
    consequence = "CreateInferenceExperiment is refused, and the stack rolls back."
    mend = "choose an end at most 30 days after the start"
    source = "SageMaker Developer Guide, create a shadow test: the maximum is 30 days, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find experiments that last longer, or end before they start."""
        for experiment in template.of_kind("AWS::SageMaker::InferenceExperiment"):
            start, end = (_time(experiment.at("Schedule", key)) for key in ("StartTime", "EndTime"))
            if start is not None and end is not None and not dt.timedelta(0) < end - start <= MOST:
                message = f"the experiment lasts {(end - start) / dt.timedelta(days=1):g} days and 30 are accepted"
                yield Violation(experiment, ("Schedule", "EndTime"), message)


def _time(written: Any) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return None if found is None else found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
