"""On which line of a template something stands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from slipway.preflight.reading import Loader, is_json

if TYPE_CHECKING:
    from slipway.preflight.template import Path

SIGN: Final = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[][{},\n]')


class Lines:
    """Finds the lines of a template that was read without complaint.

    Args:
        text: As its author wrote it.
    """

    def __init__(self, text: str) -> None:
        self._of_json = _lines_of_json(text) if is_json(text) else None
        self._root = None if is_json(text) else yaml.compose(text, Loader)

    def of(self, path: Path) -> int:
        """Return the line where a path stands, or as much of it as the author wrote out, counted from 1."""
        if self._of_json is None:
            return _line_below(self._root, path)
        lines = (self._of_json.get(path[:end]) for end in range(len(path), 0, -1))
        return next((line for line in lines if line is not None), 1)


def _line_below(node: Any, path: Path) -> int:
    line = 1
    for step in path:
        found = _child(node, step)
        if found is None:
            return line
        line, node = found
    return line


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key, value) for key, value in node.value if key.value == step)
        key, value = next(pairs, (None, None))
        return None if key is None else (key.start_mark.line + 1, value)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _lines_of_json(text: str) -> dict[Path, int]:
    lines: dict[Path, int] = {}
    path: list[str | int] = []
    line = 1
    for match in SIGN.finditer(text):
        sign = match[0]
        if sign == "\n":
            line += 1
        elif sign == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else path[-1]
        elif sign in "}]":
            path.pop()
        elif match["key"] is not None:
            path[-1] = json.loads(sign)
            lines[tuple(path)] = line
        else:
            lines.setdefault(tuple(path), line)
            path += [0] if sign == "[" else [""] if sign == "{" else []
    return lines
