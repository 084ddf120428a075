from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMES: Final = {CONFIG: "EndpointConfigName", MODEL: "ModelName"}


class FixedNameBlocksReplacement(Rule):
    """Models and endpoint configs, which every change replaces, have no name of their own."""

    id = "FixedNameBlocksReplacement"
    severity = Severity.WARNING
    consequence = "The first change fails: CloudFormation cannot replace a resource that has a custom name."
    mend = "remove the name and refer to the resource instead"
    source = "CloudFormation User Guide, custom names, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names."""
        for kind, key in NAMES.items():
            for resource in template.of_kind(kind):
                if isinstance(resource.at(key), str):
                    yield Violation(
                        resource, (key,), f"'{key}' is fixed, so that CloudFormation cannot replace the resource"
                    )
