"""What other compilers make of a model, timed beside what may be served; it needs PyTorch, which the server has not."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from model_build.metrics import METRICS
from model_build.passes.compile_aotinductor import CompileAotInductor
from model_build.work import ShapingError, present
from slipway.specs import Tried

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from model_build.cache import Cache
    from model_build.graph import Graph
    from model_build.race import Runner
    from model_build.tasks import Feeds
    from model_build.work import FormingPass, Work
    from serving.model import Model
    from slipway.specs.model import Peer

PASSES: Final[Mapping[Peer, FormingPass]] = {"aotinductor": CompileAotInductor()}
JUDGED_ON: Final = 48
"""Inputs that a peer answers, each alone: one that fixed the size of a batch fails at once."""


@dataclass(frozen=True)
class Compared:
    """One peer that answers.

    Args:
        model: With the server's own code around it.
        value: What the model's metric came to.
        size_bytes: Of its files.
    """

    model: Model
    value: float
    size_bytes: int

    def tried(self, runner: Runner) -> Tried:
        """Return its row among what was tried."""
        return Tried(
            recipe=runner.name,
            outcome="peer",
            reason="for comparison: it needs PyTorch, which the server has not",
            value=round(self.value, 6),
            size_bytes=self.size_bytes,
            speedup=round(runner.speed, 3),
            latency_ms=runner.latency_ms,
        )


def compare(work: Work, name: Peer, cache: Cache, served: Path) -> Compared | str:
    """Return a peer that answers, or why there is none.

    Args:
        work: Questioned.
        name: Which.
        cache: Keeps what it compiled.
        served: Any form of the model, for what lies around it.
    """
    step = PASSES[name]
    if (reason := step.unfit(work)) is not None:
        return reason
    try:
        graph = present(cache.shape(replace(work, scratch=work.scratch / name), (step,)).graph)
    except ShapingError as error:
        traceback.print_exc()  # to the build's log
        return str(error)
    model = _around(_Inductor(graph, list(present(work.task).traceable().inputs)), served)
    return Compared(model, _value(work, model), graph.size_bytes)


class _Inductor:
    """A session of the server's kind over a compiled model."""

    def __init__(self, graph: Graph, names: list[str]) -> None:
        from torch._inductor import aoti_load_package

        self._compiled: Any = aoti_load_package(str(graph.file))
        self._names = names
        self.inputs: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    def run(self, output: str, feeds: Feeds) -> np.ndarray:  # noqa: ARG002  it has one
        """Return the output."""
        import numpy as np
        import torch

        with torch.inference_mode():  # strides other than those it was compiled for give wrong answers without a word
            tensors = (torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in self._names)
            return np.asarray(self._compiled(*tensors).numpy())


def _around(session: _Inductor, served: Path) -> Model:
    from serving import manifest, postprocess, preprocess
    from serving.model import Model

    described = manifest.read(served)
    before, after = preprocess.make(described, served), postprocess.make(described)
    return Model(described, served, session, before, after)


def _value(work: Work, model: Model) -> float:
    import numpy as np

    samples, expected = present(work.samples), present(work.expected)
    step = max(1, len(samples.inputs) // JUDGED_ON)
    truth = None if samples.truth is None else samples.truth[::step]
    chosen = replace(samples, inputs=samples.inputs[::step], truth=truth)
    ours = np.concatenate([model.predict([each]) for each in chosen.inputs])
    return METRICS[work.spec.verify.metric](chosen, expected[::step], ours).value
