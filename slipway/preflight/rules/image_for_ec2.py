from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageForEc2(Rule):
    """An image of AWS is the one that is made for SageMaker."""

    id = "ImageForEc2"
    severity = Severity.WARNING
    consequence = "Its server does not listen as SageMaker asks it to, and the endpoint fails its health check."
    mend = "name the tag that ends in -sagemaker"
    source = "AWS Deep Learning Containers, available images, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for EC2, ECS and EKS."""
        for container, image in in_ecr(template):
            if image.published and image.tag is not None and "ec2" in image.tag.split("-"):
                yield Violation(
                    container.resource, container.at("Image"), f"the tag '{image.tag}' is made for EC2, ECS and EKS"
                )
