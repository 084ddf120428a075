"""Every complaint that pydantic can have about our models has words of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from slipway.specs import EnvironmentSpec, Lock, ModelSpec
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.explain import EXPLAINED
from slipway.specs.outline import follow

if TYPE_CHECKING:
    from collections.abc import Iterator

RAISED: dict[str, dict[str, tuple[str, ...]]] = {
    # By the type of a schema of pydantic-core: what it raises always ("") and for each option.
    "any": {"": ()},
    "bool": {"": ("bool_type",)},
    "default": {"": ()},
    "definitions": {"": ()},
    "definition-ref": {"": ()},
    "dict": {"": ("dict_type",), "min_length": ("too_short",), "max_length": ("too_long",)},
    "float": {
        "": ("float_type",),
        "allow_inf_nan": ("finite_number",),
        "ge": ("greater_than_equal",),
        "gt": ("greater_than",),
        "le": ("less_than_equal",),
        "lt": ("less_than",),
    },
    "function-after": {"": ("words",)},
    "int": {
        "": ("int_type", "int_from_float"),
        "ge": ("greater_than_equal",),
        "gt": ("greater_than",),
        "le": ("less_than_equal",),
        "lt": ("less_than",),
    },
    "literal": {"": ("literal_error",)},
    "model": {"": ("model_type", "model_attributes_type")},
    "model-field": {"": ("missing",)},
    "model-fields": {"": ("extra_forbidden",)},
    "nullable": {"": ()},
    "str": {"": ("string_type",), "min_length": ("string_too_short",), "max_length": ("string_too_long",)},
    "tagged-union": {"": ("union_tag_invalid", "union_tag_not_found")},
    "tuple": {"": ("tuple_type",), "min_length": ("too_short",), "max_length": ("too_long",)},
}
SILENT = {
    "choices",
    "cls",
    "computed_fields",
    "config",
    "copy_default",
    "custom_init",
    "default",
    "definitions",
    "discriminator",
    "expected",
    "extra_behavior",
    "fail_fast",
    "fields",
    "from_attributes",
    "frozen",
    "function",
    "generic_origin",
    "items_schema",
    "keys_schema",
    "metadata",
    "mode",
    "model_name",
    "post_init",
    "ref",
    "root_model",
    "schema",
    "schema_ref",
    "serialization",
    "strict",
    "type",
    "validate_default",
    "values_schema",
    "variadic_item_index",
}
"""Options that raise nothing of their own."""


@pytest.mark.parametrize("expected", [EndpointSpec, EnvironmentSpec, ModelSpec, Lock])
def test_whatever_pydantic_can_raise_is_explained(expected: Any) -> None:
    schemas = list(_schemas(TypeAdapter(expected).core_schema))
    assert len(schemas) > 50
    for schema in schemas:
        raised = RAISED[schema["type"]]
        options = {key for key, value in schema.items() if value is not None} - SILENT
        assert options <= set(raised), f"{schema['type']} has an option that no words are known for"
        for option in ("", *options):
            assert set(raised[option]) <= set(EXPLAINED)


def test_place_of_a_union_is_walked_without_its_tag() -> None:
    place = follow(EndpointSpec, ("realtime", "rollout", "canary", "percent"))
    assert place.path == ("rollout", "percent")
    assert place.keys() == ["strategy", "percent", "bake_minutes", "terminate_after_seconds"]
    assert place.reason.startswith("SageMaker lets at most half")


def test_key_that_is_called_like_a_tag_is_not_taken_for_it() -> None:
    assert follow(EndpointSpec, ("realtime", "realtime")).path == ("realtime",)


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for key, value in schema.items():
            if key not in {"metadata", "serialization", "config", "default", "function"}:
                yield from _schemas(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _schemas(item)
