from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import aws_sagemaker as sagemaker

    from slipway.specs import Artifact


def tell_size(model: sagemaker.CfnModel, artifacts: Iterable[Artifact]) -> None:
    """Write into a model's metadata how large it is, so that a check of the template sees whether it fits.

    Args:
        model: That is told.
        artifacts: All that lie in memory at once; their archives are stored, not compressed.
    """
    held = list(artifacts)
    size = sum(artifact.locked.archive.size_bytes for artifact in held)
    name = ", ".join(artifact.model for artifact in held)
    model.add_metadata("slipway", {"model": {"name": name, "weight_bytes": size}})
