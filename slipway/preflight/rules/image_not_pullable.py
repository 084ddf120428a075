from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import unmet
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageNotPullable(Rule):
    """An execution role may pull the container's image."""

    id = "ImageNotPullable"
    severity = Severity.ERROR
    consequence = (
        "CreateModel is refused with 'does not have BatchGetImage permission for the image', and the stack rolls back."
    )
    mend = (
        "allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability on the "
        "repository, and ecr:GetAuthorizationToken on '*'"
    )
    source = (
        "SageMaker Developer Guide, execution roles: CreateModel API, 2026-11; aws-samples generative-ai-"
        "sagemaker-cdk-demo issue 2"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models whose repository the template holds and whose role may not pull from it."""
        for need in unmet(template, "pull", held=True):
            yield Violation(need.where, need.path, need.missing)
