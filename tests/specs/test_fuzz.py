"""Whatever is written, the answer is a spec or a refusal in our own words, at a line."""

from __future__ import annotations

import copy
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.specs import ModelSpec, SpecError
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.environment import EnvironmentSpec
from slipway.specs.merge import overlay
from slipway.specs.reader import read
from slipway.specs.validate import validate

ROOT = Path(__file__).parents[2]
KINDS: dict[str, Any] = {"endpoint": EndpointSpec, "environment": EnvironmentSpec, "model": ModelSpec}
FOREIGN = ("Input should", "Extra inputs", "pydantic", "Value error", "type=", "Field required", "is not accepted here")
VALID = {
    kind: [read(path, path.name).data for path in sorted((Path(__file__).parent / "valid" / kind).glob("*.yaml"))]
    + [read(path, path.name).data for path in sorted(ROOT.glob(pattern))]
    for kind, pattern in {
        "endpoint": "endpoints/*.yaml",
        "environment": "environments/*.yaml",
        "model": "models/*/model.yaml",
    }.items()
}
KEYS = sorted({key for kind in KINDS for data in VALID[kind] for key in data} | {"", "<<", "kind ", "[key]", "0"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(KEYS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=6,
)
FAST = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container with one of its keys or indices."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    return [(data, key) for key in keys] + [place for key in keys for place in places(data[key])]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    kind = draw(st.sampled_from(sorted(KINDS)))
    data = copy.deepcopy(draw(st.sampled_from(VALID[kind])))
    for _ in range(draw(st.integers(1, 3))):
        if not (found := places(data)):
            break
        holder, key = draw(st.sampled_from(found))
        how = draw(st.sampled_from(["replace", "delete", "rename", "add"]))
        if how == "replace" or isinstance(holder, list):
            holder[key] = draw(JSON)
        elif how == "delete":
            del holder[key]
        elif how == "rename":
            holder[key[1:] + key[:1]] = holder.pop(key)
        else:
            holder[draw(st.sampled_from(KEYS) | st.text(max_size=5))] = draw(JSON)
    return kind, data


def check_refusal(refused: SpecError, *, lines: int) -> None:
    for problem in refused.problems:
        assert 1 <= problem.line <= lines, problem
        assert not any(word in problem.message for word in FOREIGN), problem
        assert problem.message
        assert all(unicodedata.category(letter) != "Cc" for letter in str(problem)), problem


@FAST
@given(mutated())
def test_mutated_spec_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, case: tuple[str, Any]) -> None:
    kind, data = case
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    text = yaml.safe_dump(data, allow_unicode=True)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        validate(read(file, "fuzz.yaml"), KINDS[kind])
    except SpecError as error:
        check_refusal(error, lines=len(text.splitlines()))


@FAST
@given(st.data())
def test_shuffled_lines_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    lines = yaml.safe_dump(data.draw(st.sampled_from(VALID[kind]))).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 3))):
        taken = data.draw(st.integers(0, len(lines) - 1))
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from([" ", "", "\t"])) + lines[taken])
    file = tmp_path_factory.getbasetemp() / "lines.yaml"
    file.write_text("".join(lines))
    try:
        validate(read(file, "lines.yaml"), KINDS[kind])
    except SpecError as error:
        check_refusal(error, lines=len(lines))


@FAST
@given(JSON, JSON)
def test_override_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, over: Any, other: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "override.yaml"
    changes = {"variants": over, "scaling": other, "rollout": {"strategy": over}, "capture": None}
    file.write_text(json.dumps({"endpoints": {"e": changes}}).replace("NaN", "1").replace("Infinity", "1"))
    base = read(ROOT / "endpoints" / "sentence-embedder.yaml", "e.yaml")
    try:
        document = read(file, "environments/e.yaml")
        validate(overlay(base, document, ("endpoints", "e")), EndpointSpec)
    except SpecError as error:
        check_refusal(error, lines=15)


@FAST
@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!|>'\"%@`#? \n\tab01.~<=", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "text.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SpecError) as refused:
        validate(read(file, "text.yaml"), ModelSpec)
    assert not any(word in str(refused.value) for word in FOREIGN)


@FAST
@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.yaml"
    file.write_bytes(content)
    with pytest.raises(SpecError):
        validate(read(file, "bytes.yaml"), EndpointSpec)
