"""What a user names to be checked."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.preflight.assembly import stacks_of
from slipway.preflight.pseudo import Place
from slipway.preflight.reading import MOST_BYTES, decoded, parse_template, read_text
from slipway.preflight.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STANDARD_INPUT = "-"


def sources(path: Path, *, region: str | None) -> Iterator[Source]:
    """Yield the templates of a path.

    Args:
        path: Of a template, or of a cloud assembly's folder; ``-`` is standard input.
        region: Where it goes, if it does not say so itself.

    Raises:
        SpecError: If it cannot be read or is none of these.
    """
    if path.is_dir():
        for stack in stacks_of(path):
            yield replace(stack, place=replace(stack.place, region=stack.place.region or region))
    elif str(path) == STANDARD_INPUT:
        yield _parsed("standard input", decoded(sys.stdin.buffer.read(MOST_BYTES + 1), "standard input"), region)
    else:
        yield _parsed(str(path), read_text(path), region)


def _parsed(name: str, text: str, region: str | None) -> Source:
    return Source(name, parse_template(text, name), Place(region), text)
