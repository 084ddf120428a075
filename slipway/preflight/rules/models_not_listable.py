from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelsNotListable(Rule):
    """The execution role of a multi-model endpoint may list its prefix."""

    id = "ModelsNotListable"
    severity = Severity.WARNING
    consequence = (
        "For an archive that is not there S3 answers 403, so that callers who misspell a model are told of missing"
        " rights."
    )
    mend = "allow s3:ListBucket on the bucket, under the condition s3:prefix"
    source = "Amazon S3 API reference, GetObject: permissions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find roles that may read the archives and not list them."""
        for need in (*unmet(template, "list", held=True), *unmet(template, "list", held=False)):
            yield Violation(need.where, need.path, need.missing)
