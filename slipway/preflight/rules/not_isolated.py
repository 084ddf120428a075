from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.downloads import MODEL_VARIABLES, downloads
from slipway.preflight.hosting import are_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL, containers
from slipway.preflight.values import UNKNOWN, Unknown, holds_unknown, link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


NAMES_A_MODEL: Final = [name for names in MODEL_VARIABLES.values() for name in names]


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
            if model.logical_id not in fetching and not served and not _may_fetch(model):
                yield Violation(model, ("EnableNetworkIsolation",), "the containers of this model are not isolated")


def _may_fetch(model: Resource) -> bool:
    """Return whether it is not known what a container runs, or which model it is told to fetch."""
    if isinstance(model.at("PrimaryContainer"), Unknown) or holds_unknown(model.at("Containers")):
        return True
    for _, container in containers(model):
        variables = container.get("Environment")
        if isinstance(container.get("Image"), Unknown) or isinstance(variables, Unknown):
            return True
        if isinstance(variables, dict) and any(isinstance(variables.get(name), Unknown) for name in NAMES_A_MODEL):
            return True
    return False
