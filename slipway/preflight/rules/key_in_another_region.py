from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import KEYS
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

ARN: Final = re.compile(r"arn:aws[^:]*:kms:([a-z0-9-]+):")


class KeyInAnotherRegion(Rule):
    """A key lies in the region of what it encrypts."""

    id = "KeyInAnotherRegion"
    severity = Severity.ERROR
    consequence = "The endpoint is not created, or nothing can be stored: KMS knows the key in its own region alone."
    mend = "name a key of this region"
    source = "KMS Developer Guide, keys are regional resources, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find ARNs of keys of other regions; without a region, nothing."""
        for config in template.of_kind(CONFIG):
            for path in KEYS:
                match = ARN.match(config.at(*path)) if isinstance(config.at(*path), str) else None
                if match is not None and template.region not in (None, match[1]):
                    yield Violation(
                        config, path, f"the key lies in {match[1]} and the template goes to {template.region}"
                    )
