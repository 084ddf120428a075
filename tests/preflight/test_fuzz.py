"""Whatever a template holds, the answer is a list of findings, soon."""

from __future__ import annotations

import copy
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.preflight import check, read_template
from tests.preflight.conftest import GOOD

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::FindInMap", "Fn::If", "Condition"]
NAMES = ["Model", "Config", "Endpoint", "Key", "AWS::NoValue", "AWS::Region", "Nowhere", "${Model.X}${!a}", "0", ""]
TEMPLATES = [read_template(path) for path in GOOD]
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(NAMES)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, *NAMES, "Type", "Properties"]), inner, max_size=2)
    ),
    max_leaves=8,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    return [(data, key) for key in keys] + [place for key in keys for place in places(data[key])]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    template: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(TEMPLATES)))
    for _ in range(draw(st.integers(1, 5))):
        holder, key = draw(st.sampled_from(places(template)))
        holder[key] = draw(ANYTHING)
    return template


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_mutated_template_gets_findings(template: dict[str, Any]) -> None:
    if isinstance(template.get("Resources"), dict):
        for finding in check(template, region="eu-west-1"):
            json.dumps(str(finding))


def properties(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Properties of a type as the good templates name them, each with anything for a value."""
    known = {
        key
        for template in TEMPLATES
        for resource in template["Resources"].values()
        if resource["Type"] == kind
        for holder, key in places(resource["Properties"])
        if isinstance(holder, dict)
    }
    keys = st.sampled_from(sorted(known))
    inner = st.recursive(ANYTHING, lambda few: st.lists(few, max_size=2) | st.dictionaries(keys, few, max_size=4))
    return st.dictionaries(keys, inner, max_size=8)


KINDS = sorted({resource["Type"] for template in TEMPLATES for resource in template["Resources"].values()})
RESOURCE = st.sampled_from(KINDS).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"Type": st.just(kind), "Properties": properties(kind) | ANYTHING},
        optional={"Condition": ANYTHING, "Metadata": ANYTHING, "DependsOn": ANYTHING},
    )
)
WHOLE = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from(NAMES[:5]), RESOURCE | ANYTHING, max_size=4)},
    optional={
        "Conditions": ANYTHING,
        "Mappings": ANYTHING,
        "Outputs": ANYTHING,
        "Parameters": ANYTHING,
        "Transform": ANYTHING | st.just("AWS::LanguageExtensions"),
    },
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(WHOLE, st.none() | st.sampled_from(["eu-west-1", "cn-north-1", "nowhere"]))
def test_template_at_random_gets_findings(template: dict[str, Any], region: str | None) -> None:
    for finding in check(template, region=region):
        json.dumps(str(finding))


def test_reference_in_a_circle_is_unknown() -> None:
    loop = {"Fn::Sub": "${Config.KmsKeyId}"}
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"KmsKeyId": loop}}
    conditions = {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    [finding] = check({"Conditions": conditions, "Resources": {"Config": {**config, "Condition": "A"}}})
    assert finding.path == "ProductionVariants"


def test_deep_nesting_is_unknown() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"Fn::Join": ["", [deep]]}
    model = {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": deep}}
    assert check({"Resources": {"M": model}}) == []


def test_sub_that_doubles_at_every_step_stays_small() -> None:
    mappings = {f"P{n}": {"Type": "String", "Default": "x"} for n in range(3)}
    models = {
        f"M{n}": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"Next": {"Fn::Join": ["", [{"Fn::GetAtt": [f"M{n + 1}", "Next"]}] * 4]}},
        }
        for n in range(40)
    }
    start = time.process_time()
    check({"Parameters": mappings, "Resources": models})
    assert time.process_time() - start < 10


@pytest.mark.parametrize(("file", "size"), [("t.json", 5_000_000), ("t.yaml", 1_000_000)])
def test_template_of_megabytes_takes_seconds(tmp_path: Path, file: str, size: int) -> None:
    [template] = [each for each in TEMPLATES if "Errors" in each["Resources"]][:1]
    text = json.dumps(template["Resources"])
    resources = {
        f"{name}{number}": resource
        for number in range(size // len(text) + 1)
        for name, resource in json.loads(text).items()
    }
    whole = {**template, "Resources": resources}
    text = json.dumps(whole) if file.endswith("json") else yaml.dump(whole, Dumper=yaml.CSafeDumper)
    (tmp_path / file).write_text(text, encoding="utf-8")
    start = time.process_time()
    check(read_template(tmp_path / file), region="eu-west-1")
    assert time.process_time() - start < 30


def test_five_hundred_resources_are_checked() -> None:
    [template] = [each for each in TEMPLATES if "Errors" in each["Resources"] and len(each["Resources"]) == 5]
    written = json.dumps(template["Resources"])
    resources: dict[str, Any] = {}
    for number in range(100):
        text = written.replace("embedder", f"embedder{number}")
        for name in template["Resources"]:
            text = text.replace(f'"{name}"', f'"{name}{number}"')
        resources |= json.loads(text)
    assert len(resources) == 500
    assert check({**template, "Resources": resources}, region="eu-west-1") == []


@pytest.mark.parametrize("template", TEMPLATES, ids=[path.stem for path in GOOD])
def test_value_that_only_a_deployment_knows_makes_no_finding(template: dict[str, Any]) -> None:
    found = []
    for logical_id, resource in template["Resources"].items():
        for holder, key in places(resource["Properties"]):
            before = holder[key]
            for unknown in ({"Fn::ImportValue": "x"}, {"Fn::If": ["Unknown", before, {"Ref": "AWS::NoValue"}]}):
                holder[key] = unknown
                found += [(logical_id, key, each.rule, each.path) for each in check(template, region="eu-west-1")]
            holder[key] = before
    assert found == []
