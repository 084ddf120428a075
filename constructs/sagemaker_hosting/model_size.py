from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from aws_cdk import aws_sagemaker as sagemaker

    from sagemaker_hosting.served import Served
    from slipway.specs import Artifact


def tell_facts(model: sagemaker.CfnModel, served: Served) -> None:
    """Write into a model's metadata how large it is, and of a language model how it is held, which no archive tells.

    Args:
        model: That is told.
        served: The built model, and what answers for it.
    """
    language = served.artifact.locked.language
    if language is None:
        tell_size(model, [served.artifact])
        return
    facts: dict[str, Any] = language.facts.model_dump(exclude_none=True, exclude={"parameters"})
    facts |= {"name": served.artifact.model, "max_tokens": language.longest}
    facts["weight_bytes"] = language.facts.weight_bytes or served.artifact.locked.archive.size_bytes
    options = served.server.told_in_files(served.artifact, served.machine)
    model.add_metadata("slipway", {"model": facts, **({"options": options} if options else {})})


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
