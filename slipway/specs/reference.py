"""Turns a file's JSON Schema into a page for people: every key with what it takes, its default and its meaning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.specs.base import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]
NOTICE = "<!-- written by python -m slipway.specs.schemas -->"


def page(schema: Schema) -> str:
    """Return the page of one kind of file, as Markdown.

    Args:
        schema: As the editors get it.
    """
    parts = [f"# {schema['title']}".replace("<", "&lt;"), NOTICE]
    if "properties" in schema:
        parts += list(_section(schema, None))
    for name in _in_reading_order(schema):
        parts += list(_section(schema["$defs"][name], name))
    return "\n\n".join(parts) + "\n"


def _in_reading_order(schema: Schema) -> list[str]:
    """Return the parts by first mention, so that whoever reads on meets them in order."""
    order: list[str] = []
    waiting = _mentioned({key: value for key, value in schema.items() if key != "$defs"})
    while waiting:
        name = waiting.pop(0)
        if name not in order:
            order.append(name)
            waiting += _mentioned(schema["$defs"][name])
    return order


def _mentioned(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for each in value for name in _mentioned(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"].rpartition("/")[2]] if "$ref" in value else []
    return own + [name for key, each in value.items() if key != "$ref" for name in _mentioned(each)]


def _section(part: Schema, name: str | None) -> Iterator[str]:
    if name is not None:
        kind = part.get("properties", {}).get("kind", {}).get("const")
        yield f"## {name if kind is None else f'kind: {kind}'}"
    if "description" in part:
        yield str(part["description"])
    if "properties" not in part:
        return
    required = part.get("required", [])
    rows = [_row(key, each, required=key in required) for key, each in part["properties"].items()]
    yield _table(("key", "takes", "default", "meaning"), rows)
    refused = _impossible(name or part["title"])
    if refused:
        yield "Refused here:"
        yield _table(("key", "because"), [(f"`{key}`", reason) for key, reason in refused.items()])


def _impossible(name: str) -> dict[str, str]:
    return next((spec.impossible for spec in _specs(Spec) if spec.__name__ == name), {})


def _specs(spec: type[Spec]) -> Iterator[type[Spec]]:
    for each in spec.__subclasses__():
        yield each
        yield from _specs(each)


def _row(key: str, value: Schema, *, required: bool) -> tuple[str, ...]:
    default = "**required**" if required else f"`{json.dumps(value['default'])}`" if "default" in value else ""
    return f"`{key}`", _takes(value), default, value.get("description", "")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def _takes(value: Schema) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    for word in ("oneOf", "anyOf"):
        if word in value:
            return " or ".join(_takes(each) for each in value[word])
    describe = _KINDS.get(value.get("type", ""))
    return "anything" if describe is None else describe(value)


def _number(value: Schema) -> str:
    least, above = value.get("minimum"), value.get("exclusiveMinimum")
    most, below = value.get("maximum"), value.get("exclusiveMaximum")
    bounds = [
        None if least is None else f"at least {least:,}",
        None if above is None else f"over {above:,}",
        None if most is None else f"at most {most:,}",
        None if below is None else f"under {below:,}",
    ]
    if least is not None and most is not None:
        bounds = [f"{least:,} to {most:,}"]
    return ", ".join([str(value["type"]), *(bound for bound in bounds if bound is not None)])


def _string(value: Schema) -> str:
    words = ["text"]
    if "maxLength" in value:
        words.append(f"{value.get('minLength', 0):,} to {value['maxLength']:,} characters")
    if "pattern" in value:
        words.append(f"`{value['pattern']}`")
    if "examples" in value:
        words.append(f"such as `{value['examples'][0]}`")
    return ", ".join(words)


def _array(value: Schema) -> str:
    least, most = value.get("minItems"), value.get("maxItems")
    size = "" if most is None else f", {least or 0} to {most}" if least != most else f", {most}"
    return f"list of {_takes(value['items'])}{size}"


def _object(value: Schema) -> str:
    keys = value.get("patternProperties", {})
    inner = next(iter(keys.values()), value.get("additionalProperties"))
    return "mapping" if not isinstance(inner, dict) else f"mapping to {_takes(inner)}"


_KINDS = {
    "array": _array,
    "boolean": lambda _: "`true`, `false`",
    "integer": _number,
    "number": _number,
    "object": _object,
    "string": _string,
}
