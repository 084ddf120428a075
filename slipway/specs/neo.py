"""What SageMaker Neo is asked to compile after the build. Legacy, as Neo itself is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings
from slipway.specs.cloud_job import CloudJob
from slipway.specs.shrink import SHRINKING
from slipway.specs.task import TEXT_TASKS

if TYPE_CHECKING:
    from slipway.specs.model import ModelSpec

LEGACY: Final = "SageMaker Neo is legacy: it reads no ONNX after 1.7 of 2020 and no PyTorch after 2.0"
NeoDevice = Literal["ml_c4", "ml_c5", "ml_m4", "ml_m5"]


class Neo(CloudJob):
    """A compilation job of SageMaker Neo over the original, in one shape. Legacy.

    Neo reads no ONNX after 1.7, which is of 2020. What it makes is a second thing beside the artifact.
    """

    key: ClassVar[str] = "neo"

    device: NeoDevice
    """Family of the endpoint's instance types: what Neo makes runs on no other."""
    batch: Annotated[int, Field(ge=1, le=1024)] = 1
    """Inputs per request; Neo compiles for one shape alone."""
    sequence_length: Annotated[int, Field(ge=1, le=131_072)] | None = None
    """Tokens per input, padding included; text models only, which need it."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        self.check_acknowledged(findings)
        findings.refuse()
        return self


def check_neo(findings: Findings, spec: ModelSpec) -> None:
    """Find what contradicts Neo in the rest of a model.

    Args:
        findings: Gets it.
        spec: Of the model.
    """
    neo = spec.neo
    if neo is None:
        return
    if not spec.target.startswith("cpu"):
        findings.add(("neo",), f"compiles for processors, and the target is '{spec.target}': remove the key")
    elif spec.task == "text-generation":
        findings.add(("neo",), f"compiles one fixed shape, and {spec.task} has none: remove the key")
    elif spec.task in TEXT_TASKS and neo.sequence_length is None:
        findings.add(("neo",), f"{spec.task} needs 'sequence_length': Neo compiles one shape, such as 128 tokens")
    elif spec.task not in TEXT_TASKS and neo.sequence_length is not None:
        findings.add(("neo", "sequence_length"), f"{spec.task} has no sequences: remove the key")
    for key in SHRINKING:
        if getattr(spec, key) is not None:
            findings.add(("neo",), f"compiles the original, not what '{key}' makes of it: remove one of them")
    if spec.source.onnx is not None:
        findings.add(
            ("neo",), "is given what is traced of a PyTorch module, and the source is an ONNX file: remove the key"
        )
