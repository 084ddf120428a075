from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.graph import Graph
from model_build.reshard import keep
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class KeepWeights(ShapingPass):
    """Take a checkpoint as it is, byte for byte."""

    version: ClassVar[int] = 1
    name: ClassVar[str] = "keep_weights"

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the same files under second names."""
        keep(present(work.checkpoint), into)
        return Graph(into, "safetensors")
