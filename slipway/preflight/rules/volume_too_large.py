from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 512


class VolumeTooLarge(Rule):
    """The volume of a variant is at most 512 GB."""

    id = "VolumeTooLarge"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write 1 to 512"
    source = "SageMaker API reference, ProductionVariant: VolumeSizeInGB, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find larger ones."""
        for variant in template.variants():
            size = number(variant.at("VolumeSizeInGB"))
            if size is not None and not 1 <= size <= MOST:
                message = f"{size:g} GB are given and 1 to {MOST} are accepted"
                yield Violation(variant.config, (*variant.path, "VolumeSizeInGB"), message)
