"""How many times faster at each shape, with the quartiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.specs import Manifest

LEFT, RIGHT = 130.0, 700.0
ROW: Final = 30.0


@dataclass(frozen=True)
class Bar:
    """One shape; all but the last two are places."""

    y: float
    end: float
    low: float
    high: float
    shape: str
    ratio: float


@dataclass(frozen=True)
class Bars:
    """All that the template draws."""

    rows: tuple[Bar, ...]
    one_x: float
    height: float


def bars(manifest: Manifest) -> Bars:
    """Return where everything is drawn."""
    most = max([row.ratio_p75 for row in manifest.benchmark] + [1.0]) * 1.05

    def place(ratio: float) -> float:
        return round(LEFT + ratio / most * (RIGHT - LEFT), 2)

    rows = tuple(
        Bar(18 + ROW * at, place(row.ratio), place(row.ratio_p25), place(row.ratio_p75), row.shape, row.ratio)
        for at, row in enumerate(manifest.benchmark)
    )
    return Bars(rows, place(1.0), 18 + ROW * len(rows) + 8)
