from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentOfNoCopies(Rule):
    """An inference component begins with a copy, also one that is to sleep."""

    id = "ComponentOfNoCopies"
    severity = Severity.WARNING
    consequence = "CreateInferenceComponent was seen to refuse it: only Application Auto Scaling takes copies to none."
    mend = "begin with 1, and let a scalable target with a MinCapacity of 0 send it to sleep"
    source = "stdapi.ai, issue 43; the API reference gives 0 as the least CopyCount, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components that begin with no copy."""
        for component in template.of_kind(COMPONENT):
            if number(component.at("RuntimeConfig", "CopyCount")) == 0:
                yield Violation(component, ("RuntimeConfig", "CopyCount"), "it begins with no copy")
