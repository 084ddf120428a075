from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import tail
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PLACE: Final = ("ModelDataSource", "S3DataSource")


class ModelDataPrefixWithoutSlash(Rule):
    """A prefix of S3 that holds a model ends in a slash."""

    id = "ModelDataPrefixWithoutSlash"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, or keys that merely begin alike are downloaded too."
    mend = "end S3Uri in /, or set S3DataType to S3Object"
    source = "SageMaker API reference, S3ModelDataSource: S3DataType, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find prefixes that do not."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                source = value_at(container, PLACE)
                end = tail(value_at(source, ("S3Uri",)))
                if value_at(source, ("S3DataType",)) == "S3Prefix" and end is not None and not end.endswith("/"):
                    yield Violation(
                        model, (*path, *PLACE, "S3Uri"), "S3Prefix is given and the address does not end in /"
                    )
