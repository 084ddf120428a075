"""What counts as a value of a shape: as CloudFormation converts it, and where nothing can be known."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.preflight import check
from slipway.preflight.shapes import OWN_RULE

VARIANT: dict[str, Any] = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.c7i.xlarge"}
GENERIC = {"MissingProperty", "NotAccepted", "OutOfRange", "UnknownProperty", "WrongType"}


def found(properties: Any, kind: str = "AWS::SageMaker::EndpointConfig", **document: Any) -> list[tuple[str, str]]:
    template = {**document, "Resources": {"R": {"Type": kind, "Properties": properties}}}
    return [(each.rule, each.path) for each in check(template) if each.rule in GENERIC]


@pytest.mark.parametrize(
    "settings",
    [
        {"InitialInstanceCount": "2"},
        {"InitialInstanceCount": 2.0},
        {"InitialVariantWeight": "1e-1"},
        {"InitialVariantWeight": ".5"},
        {"EnableSSMAccess": "true"},
        {"EnableSSMAccess": False},
        {"InitialInstanceCount": {"Ref": "Nowhere"}},
        {"VariantName": "{{resolve:ssm:/name}}"},
        {"InitialInstanceCount": "{{resolve:ssm:/count}}"},
        {"VariantName": {"Fn::ImportValue": "name"}},
        {"VariantName": 7},
        {"Fn::Transform": {"Name": "AWS::Include"}, "VariantNam": "x"},
    ],
)
def test_value_that_cloudformation_takes_is_no_fault(settings: dict[str, Any]) -> None:
    assert found({"ProductionVariants": [{**VARIANT, **settings}]}) == []


def test_properties_that_a_macro_writes_are_unknown() -> None:
    assert found({"Fn::Transform": {"Name": "AWS::Include"}}) == []


def test_list_that_may_lose_members_is_judged_by_those_it_has() -> None:
    perhaps = {"Fn::If": ["Unknown", VARIANT, {"Ref": "AWS::NoValue"}]}
    document: dict[str, Any] = {
        "Parameters": {"P": {"Type": "String"}},
        "Conditions": {"Unknown": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
    }
    assert found({"ProductionVariants": [*[VARIANT] * 10, perhaps]}, **document) == []
    assert found({"ProductionVariants": [perhaps]}, **document) == []
    assert found({"ProductionVariants": [*[VARIANT] * 11, perhaps]}, **document) == [
        ("OutOfRange", "ProductionVariants")
    ]


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("3", 4, "UnknownProperty"),
        ("VariantName", ["a"], "WrongType"),
        ("VariantName", {}, "WrongType"),
        ("EnableSSMAccess", "on", "WrongType"),
        ("InitialInstanceCount", True, "WrongType"),
        ("InitialVariantWeight", -(10**400), "OutOfRange"),
    ],
)
def test_faulty_setting_is_found_once_and_where_it_stands(key: str, value: Any, rule: str) -> None:
    assert found({"ProductionVariants": [{**VARIANT, key: value}]}) == [(rule, f"ProductionVariants[0].{key}")]


@pytest.mark.parametrize(
    ("properties", "rule", "path"),
    [
        ({"ProductionVariants": VARIANT}, "WrongType", "ProductionVariants"),
        ({"ProductionVariants": []}, "OutOfRange", "ProductionVariants"),
        ({"ProductionVariants": ["main"]}, "WrongType", "ProductionVariants[0]"),
        ({}, "MissingProperty", "ProductionVariants"),
        ("text", "MissingProperty", "ProductionVariants"),
    ],
)
def test_fault_is_found_once_and_where_it_stands(properties: Any, rule: str, path: str) -> None:
    assert found(properties) == [(rule, path)]


def test_model_and_alarm_have_shapes_too() -> None:
    model = {"PrimaryContainer": {"Image": "a b", "Mode": "Multi"}}
    assert found(model, "AWS::SageMaker::Model") == [
        ("NotAccepted", "PrimaryContainer.Image"),
        ("NotAccepted", "PrimaryContainer.Mode"),
    ]
    assert ("NotAccepted", "Statistic") in found({"Statistic": "p99", "EvaluationPeriods": 1}, "AWS::CloudWatch::Alarm")


def test_property_that_has_its_own_rule_is_left_to_it() -> None:
    assert {"ServerlessMemory", "UnknownInstanceType", "VariablesTooLarge"} <= set(OWN_RULE.values())
    assert found({"ProductionVariants": [{**VARIANT, "InstanceType": "ml.x"}]}) == []
