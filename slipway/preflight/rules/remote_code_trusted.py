from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RemoteCodeTrusted(Rule):
    """A container runs no code that a model hub hands it."""

    id = "RemoteCodeTrusted"
    severity = Severity.WARNING
    consequence = "Whoever may change the model on the hub runs code with the rights of the execution role."
    mend = "put the code into the archive or the image, and remove the variable"
    source = "LMI deployment guide, configurations: trust_remote_code, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers that trust it."""
        for container in held(template):
            for name, value in container.environment.items():
                if name.upper().endswith("TRUST_REMOTE_CODE") and value.lower() in ("true", "1"):
                    yield Violation(
                        container.resource, container.at("Environment", name), f"'{name}' runs what the hub holds"
                    )
