"""What SageMaker is asked to make of a language model's files after the build: an optimization job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.catalog import instance_types, optimization_types
from slipway.specs.base import Findings, Spec
from slipway.specs.cloud_job import CloudJob
from slipway.specs.gpu import LEAST_FP8, sm_of
from slipway.specs.text import Shape, refuse

if TYPE_CHECKING:
    from slipway.specs.model import ModelSpec

TECHNIQUES: Final = ("quantization", "sharding", "compilation")
OURS: Final = ("OPTION_QUANTIZE", "OPTION_TENSOR_PARALLEL_DEGREE")
"""Variables that keys of their own stand for."""
IN_16_BITS: Final = ("as-is", "bf16", "fp16")


def _known(name: str) -> str:
    if name not in optimization_types():
        hint = f"did you mean 'ml.{name}'?" if f"ml.{name}" in optimization_types() else "such as ml.g5.12xlarge"
        raise refuse(f"is not a type that optimization jobs make a model for, {hint}")
    return name


OptimizedType = Annotated[str, AfterValidator(_known), Field(examples=["ml.g5.12xlarge"])]
Degree = Annotated[int, Field(ge=1, le=64)]
VariableName = Annotated[
    str, Shape(r"^[A-Z][A-Z0-9_]{0,255}$", "an environment variable: capitals, digits and underscores")
]
VariableValue = Annotated[str, Shape(r"^[^\r\n]{0,256}$", "one line of at most 256 characters")]
Variables = Annotated[dict[VariableName, VariableValue], Field(max_length=20)]


class Technique(Spec):
    """What every technique may say."""

    environment: Variables = {}
    """Further variables of the job's container, in LMI's words (``OPTION_…``)."""

    @property
    def variables(self) -> dict[str, str]:
        """All that the job's container is told."""
        return dict(self.environment)


class OptimizeQuantization(Technique):
    """Weights in fewer bits."""

    method: Literal["awq", "fp8"]
    """``awq``: four bits, scaled by what activations show. ``fp8``: eight-bit floats; for GPUs of SM 89 and above."""
    tensor_parallel_degree: Degree | None = None
    """GPUs that the job spreads the model over. Absent: the job's container decides."""

    @property
    def variables(self) -> dict[str, str]:
        """All that the job's container is told."""
        degree = self.tensor_parallel_degree
        spread = {} if degree is None else {"OPTION_TENSOR_PARALLEL_DEGREE": str(degree)}
        return {**self.environment, "OPTION_QUANTIZE": self.method, **spread}


class OptimizeForGpus(Technique):
    """For as many GPUs, or Neuron cores, as serve one copy of the model."""

    tensor_parallel_degree: Degree
    """How many they are."""

    @property
    def variables(self) -> dict[str, str]:
        """All that the job's container is told."""
        return {**self.environment, "OPTION_TENSOR_PARALLEL_DEGREE": str(self.tensor_parallel_degree)}


class Optimize(CloudJob):
    """An optimization job of SageMaker over the artifact, once it is built and proved; ``target: llm`` only.

    Where and what of it is no part of the artifact's digest: what the job makes is a second thing beside the artifact.
    """

    key: ClassVar[str] = "optimize"

    instance_type: OptimizedType
    """Of the endpoint: what the job makes is for that type."""
    quantization: OptimizeQuantization | None = None
    """Fewer bits. One of the three techniques is given."""
    sharding: OptimizeForGpus | None = None
    """Weights cut for their GPUs beforehand, so that an endpoint starts sooner."""
    compilation: OptimizeForGpus | None = None
    """Compiled for the machine: by Neuron for ml.inf2 and ml.trn1, by TensorRT-LLM for GPUs."""

    @property
    def technique(self) -> tuple[str, Technique]:
        """The one that is given, and its name."""
        [found] = [(name, it) for name in TECHNIQUES if isinstance(it := getattr(self, name), Technique)]
        return found

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        given = [name for name in TECHNIQUES if getattr(self, name) is not None]
        if not given:
            findings.add((), f"says nothing to do: give one of {', '.join(TECHNIQUES)}")
        self.check_acknowledged(findings)
        for name in given[1:]:
            findings.add((name,), f"cannot be had with {given[0]}: one job does one of them, remove the other")
        for name in given:
            self._check(findings, name, getattr(self, name))
        findings.refuse()
        return self

    def _check(self, findings: Findings, name: str, technique: OptimizeQuantization | OptimizeForGpus) -> None:
        for variable in OURS:
            if variable in technique.environment:
                key = "tensor_parallel_degree" if "DEGREE" in variable else "method"
                findings.add((name, "environment", variable), f"has a key of its own: use '{key}'")
        machine, sm = instance_types()[self.instance_type], sm_of(self.instance_type)
        there, degree = machine.gpus or machine.neuron_cores, technique.tensor_parallel_degree
        if degree is not None and degree > there:
            message = f"{degree} is more than the {there} that '{machine.name}' has"
            findings.add((name, "tensor_parallel_degree"), message)
        if machine.neuron_cores and name != "compilation":
            findings.add((name,), f"is for GPUs, and '{machine.name}' has none: use 'compilation'")
        elif isinstance(technique, OptimizeQuantization) and technique.method == "fp8" and (sm or 0) < LEAST_FP8:
            message = f"'{machine.name}' computes in no eight-bit floats, which begin with SM {LEAST_FP8}: use 'awq'"
            findings.add((name, "method"), message)


def check_optimize(findings: Findings, spec: ModelSpec) -> None:
    """Find what contradicts an optimization job in the rest of a model.

    Args:
        findings: Gets it.
        spec: Of the model.
    """
    if spec.optimize is None:
        return
    if spec.target != "llm":
        message = f"is for 'target: llm', not for '{spec.target}', whose artifact is an archive: remove the key"
        findings.add(("optimize",), message)
    elif spec.optimize.quantization is not None and spec.llm is not None and spec.llm.precision not in IN_16_BITS:
        message = f"the weights are '{spec.llm.precision}' before the job has them: use 'precision: as-is' or remove it"
        findings.add(("optimize", "quantization"), message)
