from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import hosting_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SWITCHES: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class BucketOpen(Rule):
    """Buckets of models, captured requests and results cannot be made public."""

    id = "BucketOpen"
    severity = Severity.WARNING
    consequence = "One policy or list of rights shows models, requests and answers to everybody."
    mend = "set the four switches of PublicAccessBlockConfiguration to true, and no AccessControl"
    source = "Amazon S3 User Guide, blocking public access; Security Hub S3.8, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find buckets that turn a block off or are public; AWS blocks where nothing is said."""
        for bucket in hosting_buckets(template):
            block = bucket.at("PublicAccessBlockConfiguration")
            for name in SWITCHES if isinstance(block, dict) else ():
                if str(block.get(name, False)).lower() == "false":
                    yield Violation(bucket, ("PublicAccessBlockConfiguration", name), "public access is not blocked")
            if str(bucket.at("AccessControl")).startswith("Public"):
                yield Violation(bucket, ("AccessControl",), f"'{bucket.at('AccessControl')}' lets in everybody")
