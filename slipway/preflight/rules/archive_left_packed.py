from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import tail
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PLACE: Final = ("ModelDataSource", "S3DataSource")


class ArchiveLeftPacked(Rule):
    """An archive is unpacked before the server looks for the model."""

    id = "ArchiveLeftPacked"
    severity = Severity.WARNING
    consequence = "The server finds one .tar.gz under /opt/ml/model, and no model."
    mend = "write CompressionType Gzip"
    source = "SageMaker API reference, S3ModelDataSource: CompressionType, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find archives that are not."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                source = value_at(container, PLACE)
                end = tail(value_at(source, ("S3Uri",)))
                whole = (
                    value_at(source, ("S3DataType",)) == "S3Object" and value_at(source, ("CompressionType",)) == "None"
                )
                if whole and end is not None and end.lower().endswith((".tar.gz", ".tgz")):
                    yield Violation(
                        model, (*path, *PLACE, "CompressionType"), "the object is a .tar.gz and is not unpacked"
                    )
