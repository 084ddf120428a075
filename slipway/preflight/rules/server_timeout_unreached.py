from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import kind_of
from slipway.preflight.images import held, variants_by_host
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

VARIABLE: Final = "SAGEMAKER_MODEL_SERVER_TIMEOUT"
MOST: Final = {"async": 3600, "multi-model": 480, "realtime": 480, "serverless": 60}
"""By kind of endpoint; streams may take eight minutes."""


class ServerTimeoutUnreached(Rule):
    """A server gives up a request when its caller has."""

    id = "ServerTimeoutUnreached"
    severity = Severity.WARNING
    consequence = "SageMaker ends the request first, and the worker stays busy with an answer that nobody gets."
    mend = "write at most 480 for a real-time endpoint (60 without streaming), and at most 3600 for an asynchronous one"
    source = "SageMaker Runtime API reference, InvokeEndpoint and its two siblings, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find longer times."""
        hosts = variants_by_host(template)
        for container in held(template):
            seconds = number(container.environment.get(VARIABLE))
            for variant in hosts.get(container.resource.logical_id, ()) if seconds is not None else ():
                kind = kind_of(template, variant.config)
                most = MOST.get(str(kind))
                if most is not None and seconds is not None and seconds > most:
                    message = f"the server waits for {seconds:g} s and SageMaker for at most {most} s"
                    yield Violation(container.resource, container.at("Environment", VARIABLE), message)
                    break
