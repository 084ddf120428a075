from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.needs import own_policies
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import hosting_buckets
from slipway.preflight.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SAID: Final = ("aws:SecureTransport", repr(UNKNOWN))


class BucketWithoutTls(Rule):
    """Buckets of models, captured requests and results are read and written over TLS alone."""

    id = "BucketWithoutTls"
    severity = Severity.WARNING
    consequence = "Whoever has the right may still read and write in the clear."
    mend = "deny s3:* to everybody under the condition Bool aws:SecureTransport false"
    source = "Security Hub S3.5, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find buckets whose policies do not deny it."""
        for bucket in hosting_buckets(template):
            statements, whole = own_policies(template, bucket)
            conditions = [str(each.written.get("Condition")) for each in statements if each.denies]
            if whole and not any(said in condition for condition in conditions for said in SAID):
                yield Violation(bucket, ("BucketName",), "no policy denies requests in the clear")
