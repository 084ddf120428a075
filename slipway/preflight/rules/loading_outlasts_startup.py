from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.downloads import startups
from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class LoadingOutlastsStartup(Rule):
    """The health check waits for as long as the model may take to load."""

    id = "LoadingOutlastsStartup"
    severity = Severity.WARNING
    consequence = "The endpoint fails while the model is still loading."
    mend = "raise ContainerStartupHealthCheckTimeoutInSeconds above the time for loading"
    source = "LMI deployment guide, configurations: model_loading_timeout, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find times for loading that are longer."""
        said = startups(template)
        for container in held(template):
            loading = number(container.environment.get("OPTION_MODEL_LOADING_TIMEOUT"))
            for resource, path, seconds in said.get(container.resource.logical_id, ()):
                startup = number(seconds)
                if startup is not None and loading is not None and loading > startup:
                    message = f"loading may take {loading:g} s and the health check waits for {startup:g} s"
                    yield Violation(resource, path, message)
