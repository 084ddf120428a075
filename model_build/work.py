"""What one build hands from pass to pass."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar, Final, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import torch

    from model_build.checkpoint import Checkpoint
    from model_build.graph import Graph
    from model_build.source import Original
    from model_build.sources import Origin
    from model_build.tasks import Samples, Task
    from slipway.specs import BenchmarkRow, ModelSpec, Project, Proof, ServedModel, ServerFigures, Tried

T = TypeVar("T")
NO_DIGEST: Final = "0" * 64


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One model on its way; each pass returns a copy with more of it filled in.

    Args:
        name: Of the model.
        digest: Names what goes in, and so the artifact.
        spec: What the data scientist wrote.
        source_folder: Where the source and its data lie.
        source: File and function, as in ``source.py:load``; empty where files alone are the source.
        scratch: An empty folder on the artifacts' own file system; nobody looks into it later.
        versions: Libraries that shape the result.
        origin: Files that the original is read from; None where the source is a function alone.
        recipe: What is done, in words.
        checkpoint: From ``read_checkpoint`` on; of ``target: llm`` alone, which has no original in memory.
        original: From ``load`` on.
        task: From ``load`` on; how this original is traced, fed and judged.
        student: From ``load`` on, where the spec names one: an untrained network.
        module: From ``distill`` or ``prune`` on: what is exported in the original's place.
        graph: From ``export`` on.
        samples: What the artifact is judged on.
        expected: What the untouched original answers to them, an entry for each.
        served: From ``verify`` on: a folder just as the server unpacks it.
        described: From ``verify`` on: what that folder's ``manifest.json`` says.
        proof: From ``verify`` on.
        benchmark: From ``benchmark`` on.
        per_token: Likewise, of a model that generates.
        server: Likewise.
        tried: From a search on: what came of every recipe.
        artifact: From ``package`` on: a folder ready to be moved into place.
        tell: Hears how far a long step is.
    """

    name: str
    digest: str
    spec: ModelSpec
    source_folder: Path
    source: str
    scratch: Path
    versions: dict[str, str]
    origin: Origin | None = None
    recipe: str = ""
    checkpoint: Checkpoint | None = None
    original: Original | None = None
    task: Task | None = None
    student: torch.nn.Module | None = None
    module: torch.nn.Module | None = None
    graph: Graph | None = None
    samples: Samples | None = None
    expected: np.ndarray | None = None
    served: Path | None = None
    described: ServedModel | None = None
    proof: Proof | None = None
    benchmark: tuple[BenchmarkRow, ...] = ()
    per_token: tuple[BenchmarkRow, ...] = ()
    server: ServerFigures | None = None
    tried: tuple[Tried, ...] = ()
    artifact: Path | None = None
    tell: Callable[[str], None] = _silent

    @classmethod
    def begin(cls, project: Project, name: str, scratch: Path, *, digest: str = NO_DIGEST) -> Self:
        """Return the work on a model before its first pass.

        Args:
            project: Where the model is.
            name: Which.
            scratch: Where the passes may write.
            digest: Default: zeros, for work that becomes no artifact.
        """
        from model_build.sources import Origin

        folder, source = project.source_of(name)
        return cls(
            name=name,
            digest=digest,
            spec=project.models[name],
            source_folder=folder,
            source=source.python or "",
            scratch=scratch,
            versions={},
            origin=Origin.of(project, name, scratch),
        )


@dataclass(frozen=True)
class Pass:
    """One step of a build. A pass is one file: its options are the fields of its class, ``run`` does the work.

    Raise ``version`` when the pass does something else with the same options: every model that it built is rebuilt.
    """

    version: ClassVar[int]
    name: ClassVar[str]

    def run(self, work: Work) -> Work:
        """Return the work with this step done."""
        raise NotImplementedError

    def unfit(self, work: Work) -> str | None:  # noqa: ARG002  most fit everything
        """Say why this step cannot be done with this model on this machine; None where it can."""
        return None

    def identity(self) -> dict[str, object]:
        """Return what enters the artifact's digest."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"pass": self.name, "version": self.version, "options": options}

    def __str__(self) -> str:
        options = [f"{field.name}={_spell(getattr(self, field.name))}" for field in fields(self)]
        return f"{self.name}({', '.join(options)})" if options else self.name


@dataclass(frozen=True)
class FormingPass(Pass):
    """A step that makes one form of the model of another, and nothing else: what it makes may be kept for later."""

    def make(self, work: Work, into: Path) -> None:
        """Write the new form.

        Args:
            work: With the form before it.
            into: An empty folder for its files.
        """
        raise NotImplementedError

    def found(self, work: Work, folder: Path) -> Work | None:
        """Return the work with the form that lies in a folder; None where none was finished."""
        raise NotImplementedError

    def run(self, work: Work) -> Work:
        """Return the work with the new form, in its scratch folder."""
        forms = work.scratch / "forms"
        into = forms / str(len(list(forms.glob("*"))))
        into.mkdir(parents=True)
        self.make(work, into)
        return present(self.found(work, into))


@dataclass(frozen=True)
class ModulePass(FormingPass):
    """A step before ``export``: it makes one torch module of another."""

    def reshape(self, work: Work) -> torch.nn.Module:
        """Return the new module, in evaluation mode; the one before it stays as it is."""
        raise NotImplementedError

    def base(self, work: Work) -> torch.nn.Module:
        """Return the module whose classes the new one is made of."""
        raise NotImplementedError

    def make(self, work: Work, into: Path) -> None:
        """Write the new module's tensors."""
        from model_build.module import write

        write(self.reshape(work), self.base(work), into)

    def found(self, work: Work, folder: Path) -> Work | None:
        """Return the work with ``module``."""
        from model_build.module import read

        module = read(self.base(work), folder)
        return None if module is None else replace(work, module=module)


@dataclass(frozen=True)
class ShapingPass(FormingPass):
    """A step from ``export`` on: it makes one graph of another."""

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the new form.

        Args:
            work: With the form before it.
            into: An empty folder for its files.
        """
        raise NotImplementedError

    def make(self, work: Work, into: Path) -> None:
        """Write the new graph, and that of the encoder where there is one."""
        encoder = None if work.graph is None else work.graph.encoder()
        if encoder is not None:  # first: what is described is whole
            from model_build.graph import encoder_folder

            beside = encoder_folder(into)
            beside.mkdir()
            self.shape(replace(work, graph=encoder), beside).describe()
        self.shape(work, into).describe()

    def found(self, work: Work, folder: Path) -> Work | None:
        """Return the work with ``graph``."""
        from model_build.graph import Graph

        graph = Graph.found(folder)
        return None if graph is None else replace(work, graph=graph)


class ShapingError(Exception):
    """A library could not do a step with this model; the cause is its own error.

    Args:
        step: Name of the pass.
        reason: What the library said first.
    """

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step} failed: {reason}")
        self.step, self.reason = step, reason


def _spell(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


def present(value: T | None) -> T:
    """Return what an earlier pass must have filled in."""
    if value is None:
        raise AssertionError("the recipe runs a pass before the one that it builds on")
    return value
