from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RegistryCredentialsUnused(Rule):
    """Credentials of a registry are given for a private one alone."""

    id = "RegistryCredentialsUnused"
    severity = Severity.WARNING
    consequence = "CreateModel is refused, or they are never asked for: ECR is read with the execution role."
    mend = "remove RepositoryAuthConfig, or set RepositoryAccessMode to Vpc"
    source = "SageMaker API reference, RepositoryAuthConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find them beside ECR."""
        for container in held(template):
            config = container.settings.get("ImageConfig")
            given = value_at(config, ("RepositoryAuthConfig",)) is not None
            if given and value_at(config, ("RepositoryAccessMode",)) == "Platform":
                message = "credentials are given and the image is pulled from ECR, which takes none"
                yield Violation(container.resource, container.at("ImageConfig", "RepositoryAuthConfig"), message)
