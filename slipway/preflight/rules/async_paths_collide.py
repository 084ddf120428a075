from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

OUTPUT: Final = ("AsyncInferenceConfig", "OutputConfig")


class AsyncPathsCollide(Rule):
    """Answers and failures of an asynchronous endpoint go to different places."""

    id = "AsyncPathsCollide"
    severity = Severity.WARNING
    consequence = "A consumer of the answers reads failures too, and takes them for answers."
    mend = "give S3FailurePath a prefix of its own"
    source = "SageMaker API reference, AsyncInferenceOutputConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find one place for both."""
        for config in template.of_kind(CONFIG):
            answers, failures = config.at(*OUTPUT, "S3OutputPath"), config.at(*OUTPUT, "S3FailurePath")
            if isinstance(answers, str) and isinstance(failures, str) and answers.rstrip("/") == failures.rstrip("/"):
                yield Violation(config, (*OUTPUT, "S3FailurePath"), "answers and failures go to the same place")
