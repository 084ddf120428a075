from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from slipway.catalog import image_uri
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.toolkit import (
    INSTALL_SECONDS,
    RequirementsPath,
    ScriptPath,
    code,
    inference_py,
    language_code,
    script_problems,
    threads_of,
    unreadable,
    worker_problems,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout

_LANGUAGE_TASK = "text-generation"


class HuggingFace(ServerSpec):
    """Hugging Face's toolkit for SageMaker on multi-model-server, in AWS's image of PyTorch and transformers.

    A language model's files are loaded by transformers' own pipeline, as any model of the hub would be; other artifacts
    are answered by our code. ``HF_MODEL_ID`` is never set: the toolkit downloads from the hub what it names, whether or
    not the model's folder is full.
    """

    name: Literal["huggingface"]
    """For pipelines of transformers, and scripts that are written for its toolkit."""
    version: Literal["2.6.0-transformers5.5.3", "2.6.0-transformers4.51.3", "2.6.0-transformers4.49.0"] = (
        "2.6.0-transformers5.5.3"
    )
    """Of PyTorch and transformers in the image."""
    task: Literal["text-generation", "text2text-generation", "feature-extraction", "fill-mask"] | None = None
    """The pipeline, for a language model's files; absent: ``text-generation``."""
    workers: Annotated[int, Field(ge=1, le=512)] | None = None
    """Processes, each with the whole model, that answer one request at a time; absent: one for each GPU or vCPU."""
    max_payload_mib: Annotated[int, Field(ge=1, le=1024)] = 25
    """Largest request and answer; multi-model-server itself would refuse 6.25 MiB, SageMaker 25."""
    script: ScriptPath | None = None
    """An ``inference.py`` of your own (model_fn and so on); absent: the pipeline, or ours."""
    requirements: RequirementsPath | None = None
    """Packages that your script needs, installed when a container starts; absent: none."""
    install: bool = True
    """Whether the container installs what our script needs when it starts, which takes a way to a package index;
    false where ``environment.images`` names an image that has it."""

    def image(self, region: str, machine: InstanceType | None) -> str | None:
        """Return AWS's image for inference with transformers."""
        gpu = machine is not None and bool(machine.gpus)
        return image_uri("huggingface-pytorch-inference", self.version, region, "gpu" if gpu else "cpu")

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say what it cannot read, what does not fit, and what is wrong with the user's script."""
        if artifact.locked.target != "llm":
            yield from unreadable(artifact, self.name)
            if self.task is not None:
                message = (
                    f"is for a language model's files, and '{artifact.model}' is built for '{artifact.locked.target}'"
                )
                yield ("task",), f"{message}: remove the key"
        elif self.script is not None and artifact.locked.read_at is not None:
            stays = f"the files of '{artifact.model}' stay in S3, where nothing can be laid beside them"
            yield ("script",), f"{stays}: remove the key"
        if machine is None or not machine.gpus:
            yield from worker_problems(artifact, self.workers, machine)
        yield from script_problems(artifact, self.script, self.requirements)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return what the toolkit and multi-model-server read."""
        size = str(self.max_payload_mib * 2**20)
        told = {"MMS_MAX_REQUEST_SIZE": size, "MMS_MAX_RESPONSE_SIZE": size}
        if artifact.locked.target == "llm":
            told["HF_TASK"] = self.task or _LANGUAGE_TASK
        on = None if machine is None else machine.gpus or machine.vcpus
        told["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(self.workers or on or 1)
        return told | threads_of(self.workers or on, machine)

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:  # noqa: ARG002
        """Return the artifact's files with ``code/`` beside them; a language model's as they are."""
        if artifact.locked.target != "llm":
            return code(artifact, inference_py("transform_body"), self.script, self.requirements, install=self.install)
        return None if self.script is None else language_code(artifact, self.script, self.requirements)

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return the time for packages, where there are any to install."""
        ours = self.install and artifact.locked.target != "llm"
        return INSTALL_SECONDS if ours or self.requirements is not None else 0
