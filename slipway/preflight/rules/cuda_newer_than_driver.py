from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import DRIVERS, cuda_of, image_repositories
from slipway.preflight.images import in_ecr, variants_by_host
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class CudaNewerThanDriver(Rule):
    """The driver of the machine is as new as the CUDA of the image."""

    id = "CudaNewerThanDriver"
    severity = Severity.WARNING
    consequence = "CUDA fails to start, unless the image brings libraries for older drivers, and the endpoint with it."
    mend = "set InferenceAmiVersion to al2023-ami-sagemaker-inference-gpu-4-1, whose driver is as new"
    source = "botocore, ProductionVariant: InferenceAmiVersion; NVIDIA, CUDA compatibility, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images of CUDA 13 on drivers of CUDA 12."""
        hosts = variants_by_host(template)
        for container, image in in_ecr(template):
            known = image.name in image_repositories()
            cuda = (cuda_of(image.name, str(image.tag)) or 0) if known else 0
            for variant in hosts.get(container.resource.logical_id, ()):
                driver = DRIVERS.get(str(variant.at("InferenceAmiVersion")))
                if driver is not None and cuda > driver:
                    message = f"the image holds CUDA {cuda} and the driver is one for CUDA {driver}"
                    yield Violation(variant.config, (*variant.path, "InferenceAmiVersion"), message)
