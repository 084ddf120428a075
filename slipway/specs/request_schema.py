"""Whether a JSON Schema is one that API Gateway can check requests with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.specs.explain import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.base import Findings, Keys

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"


def check_request_schema(findings: Findings, path: Keys, schema: Mapping[str, Any]) -> None:
    """Find what is no JSON Schema of draft 4, the one that API Gateway reads, and references that it cannot follow."""
    from jsonschema import Draft4Validator

    for error in Draft4Validator(Draft4Validator.META_SCHEMA).iter_errors(dict(schema)):
        where = tuple(error.absolute_path)
        findings.add((*path, *where), f"{show(error.instance)} is not JSON Schema draft 4: {_wanted(error)}")
    named = schema.get("$schema", DRAFT_4)
    if named not in (DRAFT_4, DRAFT_4.removesuffix("#")):
        findings.add((*path, "$schema"), f"{show(named)} is not {DRAFT_4}, which alone API Gateway reads")
    for where, reference in _references(schema, ()):
        if not reference.startswith("#/"):
            findings.add((*path, *where), f"{show(reference)} points outside the schema: use '#/definitions/...'")


def _wanted(error: Any) -> str:
    wanted = error.validator_value
    if error.validator == "type":
        return f"write {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
    if error.validator == "minimum":
        return f"write at least {wanted}"
    if list(error.absolute_path)[-1:] == ["type"]:
        return f"write one of {', '.join(TYPES)}"
    return f"the meta-schema's '{error.validator}' says otherwise"


def _references(node: Any, where: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _references(item, (*where, index))
    elif isinstance(node, dict):
        for key, item in node.items():
            if key == "$ref" and isinstance(item, str):
                yield (*where, key), item
            else:
                yield from _references(item, (*where, str(key)))
