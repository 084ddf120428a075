from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TopicNotPublishable(Rule):
    """An execution role may publish to the topics that asynchronous results are told to."""

    id = "TopicNotPublishable"
    severity = Severity.ERROR
    consequence = "Nobody is told that an answer is ready or that a request failed."
    mend = "allow sns:Publish on the topic"
    source = "SageMaker Developer Guide, asynchronous inference: prerequisites, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find topics of the template that the role may not publish to."""
        for need in unmet(template, "publish", held=True):
            yield Violation(need.where, need.path, need.missing)
