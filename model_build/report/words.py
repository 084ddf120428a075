"""Figures as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

KILO: Final = 1000
MISSING: Final = "\u2013"


def size(count: int | None) -> str:
    """Return bytes in the unit that suits."""
    if count is None:
        return MISSING
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= KILO and len(units) > 1:
        amount, units = amount / KILO, units[1:]
    return f"{amount:.3g} {units[0]}" if amount < KILO else f"{amount:.0f} {units[0]}"


def figure(value: float | None, digits: int = 4) -> str:
    """Return a number with so many digits that tell something, never as a power of ten between a millionth and one."""
    if value is None:
        return MISSING
    plain = f"{value:.{digits}g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e-0" in plain and abs(value) >= 1e-6 else plain  # noqa: PLR2004


def share(value: float) -> str:
    """Return a similarity or a share, which differ in late digits."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def name(key: str) -> str:
    """Return a figure's name in words."""
    return key.replace("_", " ")


FILTERS: Final[dict[str, Callable[..., str]]] = {"size": size, "figure": figure, "share": share, "words": name}
