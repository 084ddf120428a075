from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PrefixNotSearchable(Rule):
    """An execution role may list the prefix that a model's data lies under."""

    id = "PrefixNotSearchable"
    severity = Severity.ERROR
    consequence = "The endpoint is not created: S3 denies SageMaker to list what it shall download."
    mend = "allow s3:ListBucket on the bucket, under the condition s3:prefix"
    source = (
        "Amazon S3 API reference, ListObjectsV2: permissions; SageMaker API reference, S3ModelDataSource: "
        "S3Prefix, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find prefixes in buckets of the template that the role may not list."""
        for need in unmet(template, "search", held=True):
            yield Violation(need.where, need.path, need.missing)
