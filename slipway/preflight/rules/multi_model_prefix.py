from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers
from slipway.preflight.values import CLOSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MultiModelPrefix(Rule):
    """A multi-model container reads a prefix of S3, which ends in a slash."""

    id = "MultiModelPrefix"
    severity = Severity.ERROR
    consequence = "Every invocation fails: the archives of the models are not found."
    mend = "end ModelDataUrl in /"
    source = "SageMaker API reference, ContainerDefinition: ModelDataUrl, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find prefixes that do not."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                url = container.get("ModelDataUrl")
                if container.get("Mode") == "MultiModel" and isinstance(url, str) and not url.endswith(("/", CLOSE)):
                    yield Violation(
                        model,
                        (*path, "ModelDataUrl"),
                        "a multi-model container reads a prefix and this does not end in /",
                    )
