from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import is_true
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEY: Final = "ExcludeRetainedVariantProperties"


class ExcludedWithoutRetaining(Rule):
    """What is excluded from being retained is excluded where something is retained."""

    id = "ExcludedWithoutRetaining"
    severity = Severity.WARNING
    consequence = "The list has no effect: nothing is retained, and the exceptions are no exceptions."
    mend = "set RetainAllVariantProperties, or remove the list"
    source = "botocore, UpdateEndpoint: ExcludeRetainedVariantProperties, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find exceptions to nothing."""
        for endpoint in template.of_kind(ENDPOINT):
            listed, retained = endpoint.at(KEY), endpoint.at("RetainAllVariantProperties")
            if isinstance(listed, list) and listed and not isinstance(retained, Unknown) and not is_true(retained):
                yield Violation(endpoint, (KEY,), "exceptions are listed and nothing is retained")
