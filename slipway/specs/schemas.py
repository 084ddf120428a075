"""Write ``docs/reference/`` from the specs: ``*.schema.json`` for editors, ``*.md`` for people.

``python -m slipway.specs.schemas`` writes; ``--check`` only says whether the files are what the specs give.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from slipway.specs.base import Spec
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.environment import EnvironmentSpec
from slipway.specs.model import ModelSpec
from slipway.specs.reference import page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
SPECS: dict[str, tuple[Any, str]] = {
    "model": (ModelSpec, "models/<name>/model.yaml"),
    "endpoint": (EndpointSpec, "endpoints/<name>.yaml"),
    "environment": (EnvironmentSpec, "environments/<name>.yaml"),
}


class EditorSchema(GenerateJsonSchema):
    """Say what a user may write: an absent key is left out rather than null, and a title repeats no key."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Leave null out: the reader refuses it."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out defaults that only mean that the key is absent."""
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Leave out OpenAPI's word: ``oneOf`` with constants says it to every editor."""
        described = super().tagged_union_schema(schema)
        described.pop("discriminator", None)
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  theirs
        """Leave out titles that would repeat the key."""
        return False


def schema(spec: Any, place: str) -> str:
    """Return a schema file's text."""
    described = TypeAdapter(spec).json_schema(schema_generator=EditorSchema)
    head = {"$schema": EditorSchema.schema_dialect, "$comment": "written by python -m slipway.specs.schemas"}
    return json.dumps({**head, **_for_editors(described), "title": place}, indent=2, ensure_ascii=False) + "\n"


def _for_editors(value: Any) -> Any:
    """Describe keys, close mappings whose keys have a pattern, drop absent defaults, write Markdown."""
    if isinstance(value, list):
        return [_for_editors(item) for item in value]
    if not isinstance(value, dict):
        return " ".join(value.replace("``", "`").split()) if isinstance(value, str) else value
    described = {key: _for_editors(item) for key, item in value.items() if item is not None}
    if "patternProperties" in described:
        described["additionalProperties"] = False
    for key, text in _docstrings(described.get("title", "")).items():
        if key in described["properties"]:  # what is true of the class is no key
            described["properties"][key]["description"] = _for_editors(text)
    return described


@cache
def _docstrings(name: str) -> dict[str, str]:
    """What stands below each key of a spec's class, and of the classes that it is made from."""
    spec = next((spec for spec in _below(Spec) if spec.__name__ == name), None)
    bases = [] if spec is None else [base for base in spec.__mro__ if issubclass(base, Spec) and base is not Spec]
    return {key: text for base in reversed(bases) for key, text in _own_docstrings(base).items()}


def _below(base: type[Spec]) -> list[type[Spec]]:
    return [spec for child in base.__subclasses__() for spec in (child, *_below(child))]


def _own_docstrings(spec: type[Spec]) -> dict[str, str]:
    body = cast("ast.ClassDef", ast.parse(inspect.getsource(spec)).body[0]).body
    return {
        key.target.id: str(text.value.value)
        for key, text in pairwise(body)
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def main(words: Sequence[str], folder: Path = FOLDER) -> int:
    """Write schemas and pages, or with ``--check`` return 1 if they are not what the specs give."""
    stale = []
    for name, text in _files():
        file = folder / name
        if "--check" not in words:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(file.name)
    if stale:
        sys.stderr.write(f"{', '.join(stale)}: not what the specs give, run `python -m slipway.specs.schemas`\n")
    return 1 if stale else 0


def _files() -> Iterator[tuple[str, str]]:
    for name, (spec, place) in SPECS.items():
        text = schema(spec, place)
        yield f"{name}.schema.json", text
        yield f"{name}.md", page(json.loads(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
