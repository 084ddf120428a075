from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import are_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL
from slipway.preflight.values import UNKNOWN, Unknown, link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NotIsolated(Rule):
    """Containers are cut off from every network but SageMaker's own."""

    id = "NotIsolated"
    severity = Severity.WARNING
    consequence = "A container that is taken over can send out what it is asked and what it answers."
    mend = "set EnableNetworkIsolation, unless the container downloads its weights"
    source = "Security Hub SageMaker.5, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models on instances that are not isolated."""
        serverless = [
            variant.at("ModelName") for variant in template.variants() if variant.at("ServerlessConfig") is not None
        ]
        if not all(are_seen(config) for config in template.of_kind(CONFIG)):
            return
        for model in template.of_kind(MODEL):
            isolated = model.at("EnableNetworkIsolation")
            names = (link(model.logical_id, "ModelName"), model.at("ModelName"))
            if isinstance(isolated, Unknown) or str(isolated).lower() == "true":
                continue
            if not any(name in serverless for name in names) and UNKNOWN not in serverless:
                yield Violation(model, ("EnableNetworkIsolation",), "the containers of this model are not isolated")
