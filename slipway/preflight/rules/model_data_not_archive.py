from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import tail
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelDataNotArchive(Rule):
    """ModelDataUrl of a single model names one .tar.gz archive."""

    id = "ModelDataNotArchive"
    severity = Severity.WARNING
    consequence = "The download fails where nothing can be unpacked, and the endpoint with it."
    mend = "pack the files into a .tar.gz, or name them by ModelDataSource as they are"
    source = "SageMaker API reference, ContainerDefinition: ModelDataUrl, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other files, and prefixes."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                end = tail(container.get("ModelDataUrl"))
                if (
                    end is not None
                    and container.get("Mode") in (None, "SingleModel")
                    and not end.lower().endswith((".gz", ".tgz"))
                ):
                    message = "a single model is one .tar.gz and this is " + (
                        "a prefix" if end.endswith("/") else "another file"
                    )
                    yield Violation(model, (*path, "ModelDataUrl"), message)
