from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ResultsNotWritable(Rule):
    """An execution role may write captured requests and asynchronous results."""

    id = "ResultsNotWritable"
    severity = Severity.ERROR
    consequence = "Nothing is captured, or every asynchronous request fails when its answer is to be stored."
    mend = "allow s3:PutObject on all below the prefix"
    source = "SageMaker Developer Guide, data capture and asynchronous inference: prerequisites, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find destinations in buckets of the template that the role may not write to."""
        for need in unmet(template, "write", held=True):
            yield Violation(need.where, need.path, need.missing)
