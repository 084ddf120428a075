from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.fit import model_of_facts
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL
from slipway.specs.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class UnreadableModelFacts(Rule):
    """What a template says of a model for this check can be read."""

    id = "UnreadableModelFacts"
    severity = Severity.WARNING
    consequence = "It deploys, and nobody has checked whether the model fits its machines."
    mend = "write a config.json under 'config', or the facts one by one, in plain numbers"
    source = "Slipway, docs/how-to/memory-fit.md, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find metadata that is misspelt or of a family that is not known."""
        for model in template.of_kind(MODEL):
            try:
                if "model" in model.metadata:
                    model_of_facts(model.metadata["model"], "the model")
            except UsageError as error:
                yield Violation(model, ("Metadata", "slipway", "model"), str(error))
