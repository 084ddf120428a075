"""What one build hands from pass to pass."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from model_build.graph import Graph
    from model_build.source import Original
    from model_build.sources import Origin
    from model_build.tasks import Samples, Task
    from slipway.specs import BenchmarkRow, ModelSpec, Proof, ServedModel, Tried

T = TypeVar("T")


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
        original: From ``load`` on.
        task: From ``load`` on; how this original is traced, fed and judged.
        graph: From ``export`` on.
        samples: What the artifact is judged on.
        expected: What the untouched original answers to them, an entry for each.
        served: From ``verify`` on: a folder just as the server unpacks it.
        described: From ``verify`` on: what that folder's ``manifest.json`` says.
        proof: From ``verify`` on.
        benchmark: From ``benchmark`` on.
        tried: From a search on: what came of every recipe.
        artifact: From ``package`` on: a folder ready to be moved into place.
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
    original: Original | None = None
    task: Task | None = None
    graph: Graph | None = None
    samples: Samples | None = None
    expected: np.ndarray | None = None
    served: Path | None = None
    described: ServedModel | None = None
    proof: Proof | None = None
    benchmark: tuple[BenchmarkRow, ...] = ()
    tried: tuple[Tried, ...] = ()
    artifact: Path | None = None


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
class ShapingPass(Pass):
    """A step that makes one form of the model of another, and nothing else: what it makes may be kept for later."""

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the new form.

        Args:
            work: With the form before it.
            into: An empty folder for its files.
        """
        raise NotImplementedError

    def run(self, work: Work) -> Work:
        """Return the work with ``graph``, in its scratch folder."""
        graphs = work.scratch / "graphs"
        into = graphs / str(len(list(graphs.glob("*"))))
        into.mkdir(parents=True)
        return replace(work, graph=self.shape(work, into))


class ShapingError(Exception):
    """A library could not do a step with this model; the cause is its own error.

    Args:
        step: Name of the pass.
        reason: What the library said first.
    """

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step} failed: {reason}")
        self.step = step


def _spell(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


def present(value: T | None) -> T:
    """Return what an earlier pass must have filled in."""
    if value is None:
        raise AssertionError("the recipe runs a pass before the one that it builds on")
    return value
