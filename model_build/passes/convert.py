from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model_build.graph import Graph
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Convert(ShapingPass):
    """Hand the graph to OpenVINO, to be computed in one precision.

    Weights stay float32 on the disk; in bfloat16 they and what meets them are rounded as they are loaded.

    Args:
        precision: ``bf16`` needs a processor that computes in it (AVX-512 BF16 or AMX), and is twice as fast there.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "convert"

    precision: Literal["f32", "bf16"] = "f32"

    def unfit(self, work: Work) -> str | None:  # noqa: ARG002  the machine's matter alone
        """Ask for a processor that has the precision."""
        import openvino

        has = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "this processor has no bfloat16" if self.precision == "bf16" and "BF16" not in has else None

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the model in OpenVINO's form."""
        options: dict[str, str] = {"INFERENCE_PRECISION_HINT": self.precision}
        return Graph.of_openvino(present(work.graph).as_openvino(), into, options)
