from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import variants_by_host
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PrivateRegistryWithoutVpc(Rule):
    """A model whose image lies in a private registry is connected to the VPC that reaches it."""

    id = "PrivateRegistryWithoutVpc"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, or the image cannot be pulled."
    mend = "set VpcConfig, or copy the image into ECR"
    source = "SageMaker Developer Guide, private Docker registry for real-time inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find private registries without a VPC."""
        serverless = {
            host
            for host, variants in variants_by_host(template).items()
            if any(variant.at("ServerlessConfig") is not None for variant in variants)
        }
        for model in template.of_kind(MODEL):
            if model.logical_id in serverless:
                continue  # it takes neither
            for path, container in containers(model):
                mode = value_at(container, ("ImageConfig", "RepositoryAccessMode"))
                if mode == "Vpc" and model.at("VpcConfig") is None:
                    message = "the image is pulled through a VPC and the model has no VpcConfig"
                    yield Violation(model, (*path, "ImageConfig"), message)
