from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from slipway.catalog import image_uri
from slipway.specs.servers.huggingface_pipeline import pipeline_problems
from slipway.specs.servers.toolkit import code, inference_py, language_code, script_problems, unreadable
from slipway.specs.servers.toolkit_server import ToolkitServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout

_LANGUAGE_TASK = "text-generation"
_PRESENT = frozenset({"tokenizers"})
"""transformers does not import beside another one than its own, and its toolkit does not without transformers."""


class HuggingFace(ToolkitServer):
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

    @property
    def continues_text(self) -> bool:
        """The pipeline of its task does."""
        return self.script is None and self.task in {None, _LANGUAGE_TASK, "text2text-generation"}

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
        elif self.script is not None:
            if artifact.locked.read_at is not None:
                stays = f"the files of '{artifact.model}' stay in S3, where nothing can be laid beside them"
                yield ("script",), f"{stays}: remove the key"
        else:
            yield from pipeline_problems(artifact, self.version, self.task or _LANGUAGE_TASK)
        if machine is None or not machine.gpus:
            yield from self.own_problems(artifact, machine)
        else:
            yield from script_problems(artifact, self.script, self.requirements)

    def processes(self, machine: InstanceType | None) -> int:
        """Return how many workers there are on a machine."""
        return self.workers or (machine.gpus if machine is not None else None) or super().processes(machine)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return what the toolkit and multi-model-server read."""
        size = str(self.max_payload_mib * 2**20)
        told = {"MMS_MAX_REQUEST_SIZE": size, "MMS_MAX_RESPONSE_SIZE": size}
        if artifact.locked.target == "llm":
            told["HF_TASK"] = self.task or _LANGUAGE_TASK
        return told | self.told(machine)

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:  # noqa: ARG002
        """Return the artifact's files with ``code/`` beside them; a language model's as they are."""
        if artifact.locked.target != "llm":
            ours, own = inference_py("transform_body"), (self.script, self.requirements)
            return code(artifact, ours, *own, install=self.install, present=_PRESENT)
        return None if self.script is None else language_code(artifact, self.script, self.requirements)
