"""From a YAML file to a document: what YAML allows and a spec does not is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from slipway.specs.document import Document, Position, spell
from slipway.specs.errors import Problem, SpecError
from slipway.specs.scalar import Scalar, UnreadableError
from slipway.specs.yaml_rules import refused_key, refused_value, scalar
from slipway.specs.yaml_words import explain

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs.base import Keys

MAX_BYTES = 1 << 20
MAX_DEPTH = 16


def read(path: Path, file: str) -> Document:
    """Parse a YAML file.

    Args:
        path: Where it lies.
        file: How messages name it.

    Returns:
        Its data; what was refused without hiding the rest (a key given twice, an alias) is in ``problems``.

    Raises:
        SpecError: If nothing can be said of its content: it is missing, unreadable, larger than 1 MiB, not UTF-8, not
            YAML, empty, or several documents.
    """
    text = _text(path, file)
    reader = _Reader(file, text)
    try:
        return reader.read()
    except yaml.YAMLError as error:
        line, message = explain(error, text)
        raise SpecError([*reader.document.problems, Problem(file, line, "", message)]) from None


def _text(path: Path, file: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise SpecError([Problem(file, 0, "", "is not a file")])
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError([Problem(file, 0, "", f"cannot be read: {str(error.strerror or error).lower()}")]) from error
    if len(raw) > MAX_BYTES:
        raise SpecError([Problem(file, 0, "", f"is too large: at most {MAX_BYTES:,} bytes are read")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError([Problem(file, line, "", f"is not UTF-8 (byte {error.start}): save it as UTF-8")]) from None


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self.document = Document(file, None)
        # libyaml, where PyYAML was built with it, gives the same events ten times faster.
        self.events = iter(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
        self.depth = 0

    def read(self) -> Document:
        self._next()
        if isinstance(self._next(), StreamEndEvent):
            raise SpecError([Problem(self.document.file, 0, "", "is empty")])
        self.document.data = self._value(self._next(), ())
        self._next()
        if isinstance(following := self._next(), DocumentStartEvent):
            self._refuse(following, (), "a second document begins: keep one a file, without '---'")
        return self.document

    def _next(self) -> Event:
        event = next(self.events)
        self.depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if self.depth > MAX_DEPTH:
            # At once: what follows may be a million levels more.
            self._refuse(event, (), f"is nested more than {MAX_DEPTH} levels deep: no spec is")
            raise SpecError(self.document.problems)
        return event

    def _value(self, event: Event, path: Keys) -> Any:
        self._remember(event, path)
        if (reason := refused_value(event)) is not None:
            self._refuse(event, path, reason, unreadable=path)
            return self._skip(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, ScalarEvent)  # noqa: S101  what else is an event that begins a value?
        return self._scalar(event, path)

    def _mapping(self, path: Keys) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            self._entry(event, path, result)
        return result

    def _entry(self, event: Event, path: Keys, result: dict[str, Any]) -> None:
        key = str(event.value) if isinstance(event, ScalarEvent) else ""
        here = (*path, key)
        if (reason := refused_key(event)) is not None:
            self._skip(event)
            self._refuse(event, path, reason, unreadable=here)
            self._skip(self._next())
        elif key in result:
            first = self.document.positions[here].line
            self._refuse(event, here, f"is given twice, first on line {first}: keep one")
            self._skip(self._next())
        else:
            self._remember(event, here)
            result[key] = self._value(self._next(), here)

    def _sequence(self, path: Keys) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            result.append(self._value(event, (*path, len(result))))
        return result

    def _scalar(self, event: ScalarEvent, path: Keys) -> Scalar:
        try:
            value = scalar(event)
        except UnreadableError as error:
            self._refuse(event, path, str(error), unreadable=path)
            return None
        if not isinstance(value, str):
            self.document.positions[path] = self.document.positions[path]._replace(written=event.value)
        return value

    def _skip(self, event: Event) -> None:
        depth = 0
        while True:
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth == 0:
                return
            event = self._next()

    def _remember(self, event: Event, path: Keys) -> None:
        self.document.positions.setdefault(path, Position(self.document.file, _line(event), path))

    def _refuse(self, event: Event, path: Keys, message: str, *, unreadable: Keys | None = None) -> None:
        self.document.problems.append(Problem(self.document.file, _line(event), spell(path), message))
        if unreadable is not None:
            self.document.unreadable.add(unreadable)


def _line(event: Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.line + 1
