from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AsyncWithoutOutputPath(Rule):
    """An asynchronous endpoint says where its answers go."""

    id = "AsyncWithoutOutputPath"
    severity = Severity.WARNING
    consequence = (
        "Each caller must find out from its response where the answer will lie, and the role needs rights to a "
        "bucket that the template does not name."
    )
    mend = "set OutputConfig.S3OutputPath"
    source = (
        "SageMaker Developer Guide, async-inference-create-endpoint; what SageMaker does without it is a guess, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find asynchronous endpoints that leave it open."""
        for config in template.of_kind(CONFIG):
            output = config.at("AsyncInferenceConfig", "OutputConfig")
            if isinstance(output, dict) and output.get("S3OutputPath") is None:
                path = ("AsyncInferenceConfig", "OutputConfig", "S3OutputPath")
                yield Violation(config, path, "no path for answers is given")
