from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAME: Final = "SAGEMAKER_MULTI_MODEL"


class MultiModelVariable(Rule):
    """SAGEMAKER_MULTI_MODEL is left to SageMaker."""

    id = "MultiModelVariable"
    severity = Severity.WARNING
    consequence = "The server waits for SageMaker to load models, which it does for Mode MultiModel alone."
    mend = "set Mode to MultiModel, or remove the variable"
    source = "SageMaker Developer Guide, containers for multi-model endpoints, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find it on containers of single models."""
        for container in held(template):
            if container.environment.get(NAME, "").lower() == "true" and container.settings.get("Mode") in (
                None,
                "SingleModel",
            ):
                message = "the server is told that it has many models and the container has one"
                yield Violation(container.resource, container.at("Environment", NAME), message)
