from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.downloads import downloads
from slipway.preflight.hosting import are_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL
from slipway.preflight.values import UNKNOWN, Unknown, link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NotIsolated(Rule):
    """Containers that fetch nothing are cut off from every network."""

    id = "NotIsolated"
    severity = Severity.WARNING
    consequence = "A container that is taken over can send out what it is asked and what it answers."
    mend = "set EnableNetworkIsolation, and hand the container its weights by ModelDataUrl or ModelDataSource"
    source = "Security Hub SageMaker.5, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models on instances that are not isolated, and whose servers are not known to fetch their model."""
        fetching = {container.resource.logical_id for container, _, _ in downloads(template)}
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
            served = any(name in serverless for name in names) or UNKNOWN in serverless
            if model.logical_id not in fetching and not served:
                yield Violation(model, ("EnableNetworkIsolation",), "the containers of this model are not isolated")
