from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.downloads import downloads, scripts
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class DownloadWhileIsolated(Rule):
    """An isolated container has its model and its script from SageMaker, and fetches none."""

    id = "DownloadWhileIsolated"
    severity = Severity.ERROR
    consequence = "The download fails when the container starts, and the endpoint with it."
    mend = "name it by ModelDataSource or ModelDataUrl, and set the variable to its place under /opt/ml/model"
    source = "SageMaker Developer Guide, network isolation; LMI deployment guide, deploying your endpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find isolated models that fetch."""
        for container, name, value in (*downloads(template), *scripts(template)):
            isolated = container.resource.at("EnableNetworkIsolation")
            if str(isolated).lower() == "true":
                message = f"'{value}' is fetched and the container is cut off from every network"
                yield Violation(container.resource, container.at("Environment", name), message)
