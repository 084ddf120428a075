"""Which GPU a model is compiled for, and for which shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import instance_types
from slipway.specs.base import Findings, Spec
from slipway.specs.machine import HostingType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.base import Keys

Sm = Literal[75, 80, 86, 89, 90, 100, 103, 120]
Precision = Literal["fp32", "fp16", "int8", "fp8"]
LEAST_FP8: Final = 89
"""From this architecture on products are computed in eight-bit floats."""


def sm_of(instance_type: str) -> int | None:
    """Return the architecture of a hosting type's GPUs, as NVIDIA numbers it; None where it has none."""
    capability = instance_types()[instance_type].compute_capability
    return None if capability is None else round(10 * capability)


def families(sm: int) -> list[str]:
    """Return the families of hosting types whose GPUs have an architecture, ``ml.g6`` among them for 89."""
    sold = (machine for machine in instance_types().values() if machine.regions and sm_of(machine.name) == sm)
    return list(dict.fromkeys(machine.name.rsplit(".", 1)[0] for machine in sold))


class Span(Spec):
    """Sizes that one dimension of a request may have; 1 is always among them."""

    best: Annotated[int, Field(ge=1)]
    """The size that the engine is tuned for."""
    max: Annotated[int, Field(ge=1)]
    """The largest. A request of more inputs is answered in parts."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        findings = Findings()
        if self.best > self.max:
            findings.add(("best",), f"{self.best} is more than 'max', which is {self.max}: raise that, or lower this")
        findings.refuse()
        return self


class Gpu(Spec):
    """The GPU that an engine is compiled for, which runs on no other architecture."""

    reasons: ClassVar[dict[str, str]] = {"sm": "these are the architectures of SageMaker's NVIDIA GPUs"}

    instance_type: HostingType | None = None
    """Of the endpoint; its GPU decides the architecture."""
    sm: Sm | None = None
    """The architecture itself, as NVIDIA numbers it (89 is compute capability 8.9), where the endpoint's type is not
    known yet."""
    precision: Precision | None = None
    """What products are computed in; sums, norms and softmax stay in float32. Default: all that the GPU computes in are
    tried, and the fastest that passes the gate is kept."""
    batch: Span | None = None
    """Inputs that are computed together. Default: 1 to the largest batch of ``benchmark``, tuned for that."""
    sequence_length: Span | None = None
    """Tokens of an input; text models only. Default: 1 to the source's longest, tuned for the longest of
    ``benchmark``."""

    @property
    def architecture(self) -> int:
        """The number of the architecture."""
        found = self.sm if self.instance_type is None else sm_of(self.instance_type)
        assert found is not None  # noqa: S101  refused below otherwise
        return found

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if (self.instance_type is None) == (self.sm is None):
            findings.add((), "give exactly one of 'instance_type' and 'sm'")
            findings.refuse()
        if self.instance_type is not None and sm_of(self.instance_type) is None:
            findings.add(("instance_type",), f"'{self.instance_type}' has no NVIDIA GPU: choose ml.g6 or ml.g5")
            findings.refuse()
        if self.precision == "fp8" and self.architecture < LEAST_FP8:
            whose = f"a GPU of SM {self.architecture}" if self.instance_type is None else f"'{self.instance_type}'"
            has = f"{whose} computes in no eight-bit floats, which begin with SM {LEAST_FP8} (ml.g6)"
            findings.add(("precision",), f"{has}: use 'int8' or 'fp16'")
        findings.refuse()
        return self


def check_gpu(findings: Findings, gpu: Gpu, batches: Sequence[int], lengths: Sequence[int] | None) -> None:
    """Find what a model's GPU and the shapes that it is measured at contradict each other in.

    Args:
        findings: Gets them.
        gpu: Of the model.
        batches: That are measured.
        lengths: That are measured; None where the model has no sequences.
    """
    if lengths is None and gpu.sequence_length is not None:
        findings.add(("gpu", "sequence_length"), "the task has no sequences: remove the key")
    _check_span(findings, ("gpu", "batch"), gpu.batch, batches)
    _check_span(findings, ("gpu", "sequence_length"), gpu.sequence_length, lengths or ())


def _check_span(findings: Findings, path: Keys, span: Span | None, measured: Sequence[int]) -> None:
    outside = [] if span is None else [size for size in measured if size > span.max]
    if span is not None and outside:
        message = f"{span.max} is less than {max(outside)}, which 'benchmark' measures: raise it, or measure less"
        findings.add((*path, "max"), message)
