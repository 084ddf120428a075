from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.downloads import billions, downloads
from slipway.preflight.images import variants_by_host
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEY: Final = "ContainerStartupHealthCheckTimeoutInSeconds"
LARGE: Final = 13


class LargeModelStartsSlowly(Rule):
    """A large model has the time to load that it takes."""

    id = "LargeModelStartsSlowly"
    severity = Severity.WARNING
    consequence = (
        "The health check gives up after a few minutes, before the weights are loaded, and the endpoint fails."
    )
    mend = "set ContainerStartupHealthCheckTimeoutInSeconds, at most 3600"
    source = "LMI deployment guide, deploying your endpoint; SageMaker Developer Guide, large model inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models of thirteen billion parameters and more, by their names, under the default."""
        hosts = variants_by_host(template)
        for container, _, value in downloads(template):
            size = billions(value)
            for variant in hosts.get(container.resource.logical_id, ()) if size is not None and size >= LARGE else ():
                if (
                    variant.at("InstanceType") is not None
                    and variant.at(KEY) is None
                    and container.resource.kind == MODEL
                ):
                    message = f"'{value}' has to be fetched and loaded within the default time of a health check"
                    yield Violation(variant.config, (*variant.path, KEY), message)
