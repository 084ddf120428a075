from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import is_serverless
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

OF_MACHINES: Final = (
    *("ContainerStartupHealthCheckTimeoutInSeconds", "ModelDataDownloadTimeoutInSeconds"),
    *("CoreDumpConfig", "RoutingConfig"),
)


class ServerlessIgnores(Rule):
    """A serverless variant leaves alone what only machines can be told."""

    id = "ServerlessIgnores"
    severity = Severity.WARNING
    consequence = (
        "The setting is refused or has no effect: SageMaker gives a serverless container three minutes to start, "
        "and routes its requests itself."
    )
    mend = "remove the setting, or host the model on instances"
    source = "SageMaker Developer Guide, serverless inference; which of the two happens is not documented, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find time-outs, routing and core dumps of serverless variants."""
        for variant in template.variants():
            for key in OF_MACHINES if is_serverless(variant) else ():
                if is_there(variant.at(key)):
                    message = f"'{key}' is for machines and the variant is serverless"
                    yield Violation(variant.config, (*variant.path, key), message)
