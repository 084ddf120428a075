from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from slipway.specs import Problem, SpecError
from slipway.specs.source import WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs import ModelSpec, Project
    from slipway.specs.source import Source


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What an original is read from.

    Args:
        root: Of the project.
        folder: Of the model that owns the source; its data lies there.
        source: What its ``model.yaml`` says.
        spec: The model that is built.
        scratch: Where something may be unpacked; on the artifacts' own file system.
    """

    root: Path
    folder: Path
    source: Source
    spec: ModelSpec
    scratch: Path

    @classmethod
    def of(cls, project: Project, name: str, scratch: Path) -> Self | None:
        """Return what a model's original is read from; None where the source is a function alone."""
        folder, source = project.source_of(name)
        if source.is_code and all(getattr(source, kind) is None for kind in WEIGHTS):
            return None
        return cls(root=project.root, folder=folder, source=source, spec=project.models[name], scratch=scratch)

    @property
    def kind(self) -> str:
        """The key that names the weights."""
        kinds = ("huggingface", "onnx", "archive", "package")
        return next((kind for kind in kinds if getattr(self.source, kind) is not None), "python")

    def problem(self, message: str, key: str | None = None) -> SpecError:
        """Return the error for what ``source:`` names."""
        place = f"source.{self.kind if key is None else key}".rstrip(".")
        return SpecError([Problem(f"models/{self.folder.name}/model.yaml", 0, place, message)])
