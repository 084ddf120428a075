"""Time against error: a point for each recipe, and a place beside the axes for what was not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from model_build.report.axis import Axis
from model_build.report.words import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs import Manifest, Tried

LEFT, RIGHT, TOP = 84.0, 640.0, 46.0
NOTHING: Final = 338.0
"""Where no error is drawn, so that a mark does not lie on the axis."""
NOT_TIMED: Final = 668.0
NOT_MEASURED: Final = 22.0
EXACT: Final = 1e-6
"""Errors are recorded to six digits: what is smaller is drawn here, and marked 0."""
LINE: Final = 15.0
LETTER: Final = 6.6


class Tick(NamedTuple):
    """A mark on an axis."""

    value: float
    text: str
    at: float


@dataclass(frozen=True)
class Point:
    """One recipe.

    Args:
        recipe: Its name.
        outcome: As in the manifest.
        time: Share of the original's; None where it was not timed.
        error: What is missing to 1; None where it was not measured.
        x: Place.
        y: Place.
        label_y: Place of its name.
    """

    recipe: str
    outcome: str
    time: float | None
    error: float | None
    x: float
    y: float
    label_y: float


@dataclass(frozen=True)
class Picture:
    """All that the template draws.

    Args:
        rows: Each recipe as a point and as the manifest has it, in the order of the table.
        time_ticks: Of the horizontal axis.
        error_ticks: Of the vertical one.
        original_x: Where the original's own time is.
        gate_y: Where the gate is.
        gate: Largest error that passes.
        front: Corners of the line through the recipes that no other beats in both.
        bound: Places of the kept recipe's error and of its bound: x, y, y.
        description: The picture in a sentence.
    """

    rows: tuple[tuple[Point, Tried], ...]
    time_ticks: tuple[Tick, ...]
    error_ticks: tuple[Tick, ...]
    original_x: float
    gate_y: float
    gate: float
    front: str
    bound: tuple[float, float, float] | None
    description: str


def picture(manifest: Manifest) -> Picture:
    """Return where everything is drawn."""
    rows = [(each, _time(each), None if each.value is None else max(1 - each.value, 0.0)) for each in _tried(manifest)]
    gate = 1 - manifest.proof.at_least
    times, errors = _axes([time for _, time, _ in rows], [error for *_, error in rows], gate)
    points = _labelled([_point(each, time, error, times, errors) for each, time, error in rows])
    return Picture(
        rows=tuple(zip(points, [each for each, *_ in rows], strict=True)),
        time_ticks=tuple(Tick(value, figure(value, 3), at) for value, at in times.ticks()),
        error_ticks=tuple(
            Tick(value, "0" if value == EXACT else f"{value:g}", at) for value, at in errors.ticks() if value >= EXACT
        ),
        original_x=times.place(1.0),
        gate_y=errors.place(gate),
        gate=round(gate, 6),
        front=_front(points),
        bound=_bound(manifest, points, errors),
        description=_description(manifest, points),
    )


def _tried(manifest: Manifest) -> Sequence[Tried]:
    """Return what was tried; who raced nobody has the figures of the benchmark."""
    from slipway.specs import Tried

    rows, ratios = manifest.benchmark, [row.ratio for row in manifest.benchmark]
    timed = {"latency_ms": {row.shape: row.p50_ms for row in rows}, "speedup": round(_mean(ratios), 3)} if rows else {}
    name = f"{manifest.served.target} ({manifest.runtime})"
    alone = Tried(recipe=name, outcome="kept", value=manifest.proof.value)
    return [
        each.model_copy(update=timed) if each.outcome == "kept" and each.speedup is None else each
        for each in manifest.tried or (alone,)
    ]


def _mean(ratios: Sequence[float]) -> float:
    product = 1.0
    for ratio in ratios:
        product *= ratio
    return float(product ** (1 / len(ratios)))


def _time(tried: Tried) -> float | None:
    """Return the share of the original's time; 0 times faster is what was not timed at any shape."""
    return None if tried.speedup is None or tried.speedup == 0 else 1 / tried.speedup


def _axes(times: Sequence[float | None], errors: Sequence[float | None], gate: float) -> tuple[Axis, Axis]:
    shown = [time for time in times if time is not None]
    wrong = [error for error in errors if error is not None]
    worst = max([gate, *wrong, EXACT * 10])
    across = Axis(min([*shown, 0.5]) * 0.8, max([*shown, 1.0]) * 1.25, LEFT, RIGHT)
    return across, Axis(EXACT, min(worst * 2, 2.0), NOTHING, TOP)


def _point(each: Tried, time: float | None, error: float | None, times: Axis, errors: Axis) -> Point:
    x = NOT_TIMED if time is None else times.place(time)
    y = NOT_MEASURED if error is None else errors.place(error)
    return Point(each.recipe, each.outcome, time, error, x, y, y)


def _labelled(points: Sequence[Point]) -> tuple[Point, ...]:
    """Move names down until none covers another or another's mark."""
    from dataclasses import replace

    taken: list[tuple[str, float, float, float]] = [(it.recipe, it.x - 12, it.x + 12, it.y) for it in points]
    placed: dict[str, float] = {}
    for point in sorted(points, key=lambda it: (it.y, it.x, it.recipe)):
        left, right, y = point.x + 10, point.x + 14 + LETTER * len(point.recipe), point.y
        others = [it for it in taken if it[0] != point.recipe]
        while any(left < end and start < right and abs(y - other) < LINE for _, start, end, other in others):
            y += 1
        taken.append((point.recipe, left, right, y))
        placed[point.recipe] = round(y, 2)
    return tuple(replace(point, label_y=placed[point.recipe]) for point in points)


def _front(points: Sequence[Point]) -> str:
    """Return the line through what passed and no other beats in both, as steps."""
    passed = [it for it in points if it.outcome in ("kept", "slower") and it.time is not None and it.error is not None]
    corners: list[tuple[float, float]] = []
    for point in sorted(passed, key=lambda it: (it.x, -it.y)):
        if not corners or point.y > corners[-1][1]:  # lower in the drawing: less error
            corners += [(point.x, corners[-1][1])] if corners else []
            corners.append((point.x, point.y))
    return " ".join(f"{x:g},{y:g}" for x, y in corners) if len(corners) > 1 else ""


def _bound(manifest: Manifest, points: Sequence[Point], errors: Axis) -> tuple[float, float, float] | None:
    kept = next((point for point in points if point.outcome == "kept"), None)
    if kept is None or manifest.proof.bound is None:
        return None
    return kept.x, kept.y, errors.place(1 - manifest.proof.bound)


def _description(manifest: Manifest, points: Sequence[Point]) -> str:
    kept = next((point.recipe for point in points if point.outcome == "kept"), manifest.recipe)
    count = f"{len(points)} recipe{'' if len(points) == 1 else 's'}"
    return f"{count}; kept: {kept}. Left is faster, low is closer to the original. The table below has the same values."
