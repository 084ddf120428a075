from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PLACE: Final = ("ModelDataSource", "S3DataSource")


class CompressedPrefix(Rule):
    """What is unpacked is one object, not a prefix."""

    id = "CompressedPrefix"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "write CompressionType None for a prefix, or S3DataType S3Object for an archive"
    source = "SageMaker API reference, S3ModelDataSource: CompressionType, 2026-11; that it is refused is inferred"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find prefixes that shall be unpacked."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                source = value_at(container, PLACE)
                if value_at(source, ("S3DataType",)) == "S3Prefix" and value_at(source, ("CompressionType",)) == "Gzip":
                    yield Violation(
                        model, (*path, *PLACE, "CompressionType"), "Gzip unpacks one object and S3Prefix names many"
                    )
