"""Which layers of a model stay in float: each is measured alone, and as few stay as the gate lets."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from dataclasses import replace as with_
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from model_build.graph import Graph
from model_build.passes.verify import Verify, refused
from model_build.work import ShapingError, present
from slipway.specs import FloatLayer, GateError, Mixture

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import openvino

    from model_build.tasks import Feeds
    from model_build.work import Work

MOST_GROUPS: Final = 64
"""Neighbours of a model with more layers are measured together."""
MEASURED_ON: Final = 16
"""Calibration inputs that tell how far one group moves the answers."""


NONSENSE: Final = 1e9
"""Error of what answers NaN."""


class Blend(Protocol):
    """One way to quantise a model, of which any layer can be left out.

    Args:
        worth: What eight bits in a layer gain, by its name, in the order of the graph; their own unit.
    """

    worth: Mapping[str, float]

    def model(self, floats: Collection[str]) -> openvino.Model:
        """Return the model with these layers in float and all others quantised."""


@dataclass(frozen=True)
class Loss:
    """What quantising some layers, and nothing else, does to the answers.

    Args:
        layers: Neighbours.
        error: Root of the mean square of the change, as a share of the answers'.
        worth: Of the layers together.
    """

    layers: tuple[str, ...]
    error: float
    worth: float


def mix(work: Work, blend: Blend, inputs: Sequence[Feeds], into: Path, options: dict[str, str] | None = None) -> Graph:
    """Write the model with as few layers in float as the gate lets.

    The layers are put in the order of what each costs alone, and the shortest beginning of that order with which the
    gate holds is found by halving: of n groups n are measured on a few inputs, and about log2(n) models on all data.

    Args:
        work: Whose gate must hold.
        blend: The way to quantise.
        inputs: What to measure each layer with; a few of them are taken, evenly.
        into: An empty folder.
        options: What the runtime is told.

    Raises:
        ShapingError: If the gate is missed however many layers stay.
    """
    few = inputs[:: max(1, len(inputs) // MEASURED_ON)][:MEASURED_ON]
    ranked = losses(blend, few, options or {}, work.tell)
    asked = Verify().questioned(work)
    holds = partial(_holds, asked, blend, ranked, options or {})
    count = _shortest(len(ranked), holds)
    if count == len(ranked):
        raise ShapingError("mix", f"the gate is missed however many of {len(blend.worth)} layers stay in float32")
    graph = Graph.of_openvino(blend.model(_layers(ranked[:count])), into, options)
    stays = tuple(FloatLayer(name=name, error=float(f"{it.error:.4g}")) for it in ranked[:count] for name in it.layers)
    return with_(graph, mixture=Mixture(layers=len(blend.worth), in_float=stays))


def losses(
    blend: Blend, inputs: Sequence[Feeds], options: Mapping[str, str], tell: Callable[[str], None]
) -> list[Loss]:
    """Return every group of layers with what it costs alone, the costliest for what it gains first."""
    names = list(blend.worth)
    wide = -(-len(names) // MOST_GROUPS)
    groups = [tuple(names[at : at + wide]) for at in range(0, len(names), wide)]
    exact, found = _answers(blend.model(names), inputs, options), []
    for number, group in enumerate(groups, 1):
        tell(f"layer {number} of {len(groups)}")
        moved = _answers(blend.model(set(names) - set(group)), inputs, options)
        found.append(Loss(group, _distance(exact, moved), sum(blend.worth[name] for name in group)))
    return sorted(found, key=lambda it: it.error**2 / it.worth, reverse=True)  # squares of errors add up


def _shortest(most: int, holds: Callable[[int], bool]) -> int:
    """Return the least count that holds, below ``most``; that itself if none does."""
    least = 0
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if holds(middle) else (middle + 1, most)
    return least


def _holds(work: Work, blend: Blend, ranked: Sequence[Loss], options: dict[str, str], count: int) -> bool:
    """Return whether the gate holds with so many groups in float, judged as the finished model will be."""
    scratch = work.scratch / f"trial-{count}"
    (scratch / "graph").mkdir(parents=True)
    try:
        graph = Graph.of_openvino(blend.model(_layers(ranked[:count])), scratch / "graph", options)
        measured = Verify().measure(Verify().laid_out(with_(work, graph=graph, scratch=scratch)))
        missed, value = refused(work.spec, measured), f"{measured.value:.6f}"
    except GateError as error:  # it answers nothing that could be measured
        missed = value = str(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    work.tell(f"{count} of {len(ranked)} in float32: {value}{'' if missed == '' else ', misses the gate'}")
    return missed == ""


def _layers(ranked: Sequence[Loss]) -> set[str]:
    return {name for each in ranked for name in each.layers}


def _answers(model: openvino.Model, inputs: Sequence[Feeds], options: Mapping[str, str]) -> list[np.ndarray]:
    """Return the outputs, computed by one thread: more of them add up in another order."""
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32", **options, "INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    return [present(request.infer(feeds)[0]).copy() for feeds in inputs]


def _distance(exact: Sequence[np.ndarray], moved: Sequence[np.ndarray]) -> float:
    import numpy as np

    changed = sum(float(np.square(a - b).sum()) for a, b in zip(exact, moved, strict=True))
    whole = sum(float(np.square(a).sum()) for a in exact)
    error = float(np.sqrt(changed / whole)) if whole > 0 else changed
    return error if np.isfinite(error) else NONSENSE
