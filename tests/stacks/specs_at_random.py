"""Specs at random, drawn from the JSON Schemas that editors use: legal key by key, and sensible often enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from slipway.catalog import instance_types
from slipway.specs.front_rules import BELONGS, INTEGRATION_SECONDS

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference"
MOST_ITEMS: Final = 2
# Keys that go with few others, or with few machines.
CONTRARY: Final = frozenset(
    {
        "batch_delay_us",
        "gpu_memory_percent",
        "gpu_percent",
        "instances",
        "kms_key",
        "off_hours",
        "provisioned_concurrency",
        "shadow",
        "style",
        "waf",
    }
)
UNLUCKY: Final = 7  # not 0, which Hypothesis draws far more often than any other number
ORDINARY: Final = ("ml.c7i.xlarge", "ml.m7i.2xlarge", "ml.c6i.xlarge", "ml.g5.xlarge", "ml.t2.medium", "ml.c7g.xlarge")
REGIONS: Final = ("eu-west-1", "us-east-1")
COGNITO: Final = {
    "scopes": ["models/ask"],
    "user_pool_arn": "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEf123",
}

Json = dict[str, Any]


def specs(kind: str, *, known: dict[str, st.SearchStrategy[Any]], without: tuple[str, ...] = ()) -> Any:
    """Return a strategy for what a user may write into one kind of file.

    Args:
        kind: ``endpoint`` or ``environment``.
        known: What to draw for a key wherever it stands, because a value at random would always be refused.
        without: Keys of the file that are left out.
    """
    root: Json = json.loads((REFERENCE / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return _Drawer(root, known).top(without)


def names(*words: str) -> st.SearchStrategy[str]:
    """Mostly one of these words, now and then one that is wrong."""
    return st.integers(0, 29).flatmap(lambda luck: st.just("unheard-of") if luck == UNLUCKY else st.sampled_from(words))


def machines() -> st.SearchStrategy[str]:
    """Mostly ordinary instance types, now and then any that SageMaker ever sold."""
    every = sorted(instance_types())
    return st.integers(0, 9).flatmap(
        lambda luck: st.sampled_from(every) if luck == UNLUCKY else st.sampled_from([*ORDINARY[:3] * 6, *ORDINARY[3:]])
    )


class _Drawer:
    def __init__(self, root: Json, known: dict[str, st.SearchStrategy[Any]]) -> None:
        self._root = root
        self._known = known
        self._drawn: dict[str, st.SearchStrategy[Any]] = {}

    def top(self, without: tuple[str, ...]) -> st.SearchStrategy[Any]:
        shape = {**self._root, "properties": dict(self._root.get("properties", {}))}
        for key in without:
            del shape["properties"][key]
        return self.any(shape)

    def any(self, shape: Json) -> st.SearchStrategy[Any]:
        if "$ref" in shape:
            return self._referred(shape["$ref"])
        if "const" in shape:
            return st.just(shape["const"])
        if "enum" in shape:
            return st.sampled_from(shape["enum"])
        for word in ("oneOf", "anyOf"):
            if word in shape:
                return st.one_of([self.any(each) for each in shape[word]])
        draw = getattr(self, f"_{shape.get('type', 'object')}")
        strategy: st.SearchStrategy[Any] = draw(shape)
        return strategy

    def _referred(self, reference: str) -> st.SearchStrategy[Any]:
        name = reference.rpartition("/")[2]
        if name not in self._drawn:
            self._drawn[name] = st.deferred(lambda: self.any(self._root["$defs"][name]))
        return self._drawn[name]

    def _object(self, shape: Json) -> st.SearchStrategy[Any]:
        properties = {key: self._of_key(key, each) for key, each in shape.get("properties", {}).items()}
        if not properties:
            return self._mapping(shape)
        drawn = _some(properties, required=shape.get("required", []))
        if "open_because" in properties:
            return st.builds(_agreeing, drawn, st.integers(0, 19))
        return st.builds(_ordered, drawn, st.integers(0, 19)) if {"min", "max"} <= {*properties} else drawn

    def _of_key(self, key: str, shape: Json) -> st.SearchStrategy[Any]:
        if key == "server":
            return self._server(shape)
        return self._known[key] if key in self._known else self.any(shape)

    def _server(self, shape: Json) -> st.SearchStrategy[Any]:
        """Mostly our own, which reads every artifact that there is here."""
        ours = st.one_of(st.just("onnxruntime"), st.just("onnxruntime"), self._referred("OnnxRuntime"))
        return st.integers(0, 29).flatmap(lambda luck: self.any(shape) if luck == UNLUCKY else ours)

    def _mapping(self, shape: Json) -> st.SearchStrategy[Any]:
        patterns = shape.get("patternProperties", {})
        keys, inner = next(iter(patterns.items()), (r"^[A-Za-z]{1,8}$", shape.get("additionalProperties") or {}))
        most = min(shape.get("maxProperties", MOST_ITEMS), MOST_ITEMS)
        value = self.any(inner) if isinstance(inner, dict) and inner else st.text(max_size=8)
        return st.dictionaries(_matching(keys), value, min_size=shape.get("minProperties", 0), max_size=most)

    def _array(self, shape: Json) -> st.SearchStrategy[Any]:
        least = shape.get("minItems", 0)
        most = min(shape.get("maxItems", MOST_ITEMS), max(least, MOST_ITEMS))
        return st.lists(
            self.any(shape["items"]),
            min_size=least,
            max_size=most,
            unique_by=json.dumps if shape.get("uniqueItems") else None,
        )

    def _string(self, shape: Json) -> st.SearchStrategy[Any]:
        if "pattern" in shape:
            return _matching(shape["pattern"])
        letters = st.characters(categories=("L", "N", "P", "Zs"))
        return st.text(letters, min_size=shape.get("minLength", 0), max_size=min(shape.get("maxLength", 20), 20))

    def _integer(self, shape: Json) -> st.SearchStrategy[Any]:
        least, most = shape.get("minimum", 0), shape.get("maximum", 1000)
        low = st.integers(least, min(most, least + 10))  # bounds that belong together meet more often when small
        return st.one_of(low, st.integers(least, most))

    def _number(self, shape: Json) -> st.SearchStrategy[Any]:
        least = shape.get("minimum", shape.get("exclusiveMinimum", -1e6))
        most = shape.get("maximum", shape.get("exclusiveMaximum", 1e6))
        return st.floats(
            least, most, exclude_min="exclusiveMinimum" in shape, exclude_max="exclusiveMaximum" in shape, width=32
        ).map(float)

    def _boolean(self, _shape: Json) -> st.SearchStrategy[Any]:
        return st.booleans()


@st.composite
def _some(draw: st.DrawFn, properties: dict[str, st.SearchStrategy[Any]], required: list[str]) -> Json:
    """Every key that must be there, a third of the others, and now and then one that mostly contradicts another."""

    def wanted(key: str) -> bool:
        return draw(st.integers(0, 14)) == UNLUCKY if key in CONTRARY else draw(st.integers(0, 2)) == 0

    return {key: draw(value) for key, value in properties.items() if key in required or wanted(key)}


def _ordered(bounds: Json, luck: int) -> Json:
    """Bounds in their order, but for now and then."""
    if luck == UNLUCKY or not {"min", "max"} <= {*bounds}:
        return bounds
    return {**bounds, **dict(zip(("min", "max"), sorted((bounds["min"], bounds["max"])), strict=True))}


def _agreeing(front: Json, luck: int) -> Json:
    """A front whose keys fit who may call and how long they wait, but for now and then."""
    if luck == UNLUCKY:
        return front
    auth, patient = front.get("auth", "iam"), front.get("timeout_seconds", 10) > INTEGRATION_SECONDS
    strange = {key for key, owner in BELONGS.items() if owner != auth} | ({"domain"} if "private" in front else set())
    needs: dict[str, Json] = {"none": {"open_because": "drawn at random"}, "cognito": {"cognito": COGNITO}}
    kept = {key: value for key, value in front.items() if key not in strange}
    return {**needs.get(auth, {}), **kept, "raised_integration_limit": patient}


def _matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, alphabet=st.characters(min_codepoint=32, max_codepoint=126), fullmatch=True).map(
        str.strip
    )
