from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held, variants_by_host
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEY: Final = "ContainerStartupHealthCheckTimeoutInSeconds"
VARIABLE: Final = "OPTION_MODEL_LOADING_TIMEOUT"


class LoadingOutlastsStartup(Rule):
    """The health check waits for as long as the model may take to load."""

    id = "LoadingOutlastsStartup"
    severity = Severity.WARNING
    consequence = "The endpoint fails while the model is still loading."
    mend = "raise ContainerStartupHealthCheckTimeoutInSeconds above the time for loading"
    source = "LMI deployment guide, configurations: model_loading_timeout, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find times for loading that are longer."""
        hosts = variants_by_host(template)
        for container in held(template):
            loading = number(container.environment.get(VARIABLE))
            for variant in hosts.get(container.resource.logical_id, ()) if loading is not None else ():
                startup = number(variant.at(KEY))
                if startup is not None and loading is not None and loading > startup:
                    message = f"loading may take {loading:g} s and the health check waits for {startup:g} s"
                    yield Violation(variant.config, (*variant.path, KEY), message)
