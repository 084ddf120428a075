from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_true
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ShellAccess(Rule):
    """Nobody opens a shell in a container that serves."""

    id = "ShellAccess"
    severity = Severity.WARNING
    consequence = "Whoever may start a Session Manager session reads weights, requests and the credentials of the role."
    mend = "remove EnableSSMAccess when the search for the fault is over"
    source = "SageMaker Developer Guide, access containers through SSM, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that allow it."""
        for variant in template.variants():
            if is_true(variant.at("EnableSSMAccess")):
                message = "a shell may be opened in the container"
                yield Violation(variant.config, (*variant.path, "EnableSSMAccess"), message)
