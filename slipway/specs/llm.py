"""How a language model's weights are handed to a server of many GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import instance_types
from slipway.specs.base import Findings, Spec
from slipway.specs.gpu import LEAST_FP8, sm_of
from slipway.specs.machine import HostingType

if TYPE_CHECKING:
    from slipway.specs.model import ModelSpec
    from slipway.specs.source import Source

CALIBRATED: Final = ("int4-awq", "int4-gptq")
NO_LIBRARY: Final = (
    "is made from data, and no library that makes it runs beside our torch and transformers: use 'int4', which is"
    " rounded without data, or take a checkpoint of that kind 'as-is'"
)
WeightPrecision = Literal["as-is", "bf16", "fp16", "fp8", "int4", "int4-awq", "int4-gptq"]


class Llm(Spec):
    """What becomes of a checkpoint; ``target: llm`` only."""

    precision: WeightPrecision = "as-is"
    """``as-is``: the files are the artifact, byte for byte. ``bf16``, ``fp16``: every weight in that type. ``fp8``: the
    weights of linear layers in eight-bit floats with a scale for each row, activations quantised by token as they come;
    for GPUs of SM 89 and above. ``int4``: the weights of linear layers in four bits, rounded to the nearest, products
    in 16 bits. Embedding, norms and head keep 16 bits. ``int4-awq`` and ``int4-gptq`` are known and refused: nothing
    that makes them runs beside the other libraries. Absent: as they are."""
    group_size: Literal[32, 64, 128] | None = None
    """Weights of a row that share a scale; ``int4`` only. Absent: 128."""
    max_model_len: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Tokens that a prompt and its answer have together at most; memory is planned for one such sequence. Absent: as
    config.json says."""
    instance_type: HostingType | None = None
    """The endpoint's machine; a model that does not fit it is refused. Absent: the degree is planned for every machine
    that holds the model."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if self.precision in CALIBRATED:
            findings.add(("precision",), f"'{self.precision}' {NO_LIBRARY}")
        if self.group_size is not None and self.precision != "int4":
            findings.add(("group_size",), f"is for 'precision: int4', not for '{self.precision}': remove one of them")
        if self.instance_type is not None:
            self._check_machine(findings, self.instance_type)
        findings.refuse()
        return self

    def _check_machine(self, findings: Findings, name: str) -> None:
        sm = sm_of(name)
        if sm is None or not instance_types()[name].gpus:
            findings.add(("instance_type",), f"'{name}' has no NVIDIA GPU: choose ml.g5, ml.g6 or larger")
        elif self.precision == "fp8" and sm < LEAST_FP8:
            has = f"'{name}' computes in no eight-bit floats, which begin with SM {LEAST_FP8} (ml.g6)"
            findings.add(("precision",), f"{has}: use 'int4' or 'bf16'")
        elif self.precision == "bf16" and sm < 80:  # noqa: PLR2004  SM 80, A100
            findings.add(("precision",), f"'{name}' computes in no bf16, which begins with SM 80 (ml.g5): use 'fp16'")


def check_llm(findings: Findings, spec: ModelSpec) -> None:
    """Find what contradicts ``target: llm``, and what is its alone.

    Args:
        findings: Gets it.
        spec: Of the model.
    """
    if spec.target != "llm":
        if spec.llm is not None:
            findings.add(("llm",), f"is for 'target: llm', not for '{spec.target}': remove one of them")
        return
    if spec.task != "text-generation":
        findings.add(("target",), f"'llm' is for text-generation, not for {spec.task}: use 'cpu'")
    if spec.calibrate is not None:
        findings.add(("calibrate",), "no weight is quantised by data: remove the key")
    if spec.build is not None and spec.in_cloud and spec.build.keep != "files":
        message = "a processing job leaves a language model's files in S3, where LMI reads them: write 'keep: files'"
        findings.add(("build", "keep") if "keep" in spec.build.model_fields_set else ("build",), message)
    if "benchmark" in spec.model_fields_set:
        findings.add(("benchmark",), "is not timed: that takes the endpoint's GPUs and its server: remove the key")


def check_llm_data(findings: Findings, spec: ModelSpec, source: Source) -> None:
    """Find what is wrong with the files and prompts of ``target: llm``.

    Args:
        findings: Gets it.
        spec: Of the model.
        source: Its own, or that of the model that owns it.
    """
    if source.onnx is not None:
        use = "use 'huggingface', 'archive', 'package' or 'python'"
        findings.add(("source", "onnx"), f"'llm' takes a checkpoint's files, config.json and safetensors: {use}")
    if source.trust:
        findings.add(("source", "trust"), "'llm' takes safetensors and no pickles: convert them, and remove the key")
    for key in ("labels", "pooling", "normalize", "max_length"):
        if getattr(source, key) is not None:
            findings.add(("source", key), f"{spec.task} has no use for it: remove the key")
    kept = spec.llm is None or spec.llm.precision == "as-is"
    if kept and spec.verify.data is not None:
        findings.add(("verify", "data"), "is not read where the weights stay 'as-is', byte for byte: remove the key")
    elif not kept and spec.verify.data is None:
        findings.add(("verify",), "required key 'data' is missing: name a file with one prompt a line")
    elif spec.verify.data is not None and spec.verify.data.endswith(".npz"):
        findings.add(("verify", "data"), f"'{spec.verify.data}' is not a text file with one prompt a line")
