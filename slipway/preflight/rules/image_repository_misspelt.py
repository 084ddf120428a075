from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import image_repositories
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageRepositoryMisspelt(Rule):
    """A repository of AWS is one that AWS publishes."""

    id = "ImageRepositoryMisspelt"
    severity = Severity.WARNING
    consequence = "CreateModel is refused, because the repository does not exist."
    mend = "write the name of the repository as AWS does"
    source = "sagemaker-core 2.27.0, image tables, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that are nearly right."""
        for container, image in in_ecr(template):
            if image.published and image.repository not in image_repositories():
                hint = did_you_mean(image.repository, sorted(image_repositories()))
                if hint:
                    message = f"'{image.repository}' is not a repository of AWS{hint}"
                    yield Violation(container.resource, container.at("Image"), message)
