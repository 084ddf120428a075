from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.downloads import billions, downloads, startups
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

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
        said = startups(template)
        for container, _, value in downloads(template):
            size = billions(value)
            if size is None or size < LARGE:
                continue
            for resource, path, seconds in said.get(container.resource.logical_id, ()):
                if seconds is None:
                    message = f"'{value}' has to be fetched and loaded within the default time of a health check"
                    yield Violation(resource, path, message)
