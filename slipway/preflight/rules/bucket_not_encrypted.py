from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import hosting_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class BucketNotEncrypted(Rule):
    """Buckets of models, captured requests and results say how they are encrypted."""

    id = "BucketNotEncrypted"
    severity = Severity.WARNING
    consequence = "What lies there is encrypted with S3's own key, that nobody can audit or revoke."
    mend = "set BucketEncryption, with a key of your own where data is personal"
    source = "Amazon S3 User Guide, default encryption; Security Hub S3.17, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find buckets without."""
        for bucket in hosting_buckets(template):
            if bucket.at("BucketEncryption") is None:
                yield Violation(bucket, ("BucketEncryption",), "no encryption is given")
