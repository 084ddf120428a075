"""What a text must look like: checked by machines, explained to people in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


def refuse(message: str) -> PydanticCustomError:
    """Make the error of a validator for one value; it is shown as ``'<value>' <message>``."""
    return PydanticCustomError("words", "refused", {"words": message})


@dataclass(frozen=True)
class Shape:
    """The form of a text.

    Args:
        pattern: Regular expression for the whole text, in the dialect that JSON Schema shares with Python.
        words: What it describes, after "is not": ``a name: lower-case letters and digits``.
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise refuse(f"is not {self.words}")
        return text


@dataclass(frozen=True)
class Bytes:
    """A bound on a text's length as SageMaker counts it: in bytes of UTF-8."""

    at_most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "maxLength": self.at_most}

    def _check(self, text: str) -> str:
        size = len(text.encode())
        if size > self.at_most:
            raise refuse(f"is {size:,} bytes long, at most {self.at_most:,} are accepted")
        return text


@dataclass(frozen=True)
class Distinct:
    """A list that repeats nothing."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "uniqueItems": True}

    def _check(self, items: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
        seen: set[Hashable] = set()
        for item in items:
            if item in seen:
                raise refuse(f"holds {item} twice: keep one")
            seen.add(item)
        return items
