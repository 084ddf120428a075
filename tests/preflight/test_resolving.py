"""What each function comes to, and what hostile forms of it come to."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from slipway.preflight import Template
from slipway.preflight.pseudo import Place
from slipway.preflight.values import UNKNOWN, Named, Unknown, link

PLACE = Place("eu-west-1", "111122223333", "ours", {"Given": "from outside", "GivenUnknown": UNKNOWN})
DOCUMENT: dict[str, Any] = {
    "Parameters": {
        "Free": {"Type": "String"},
        "Type": {"Type": "String", "Default": "ml.m5.large"},
        "Count": {"Type": "Number", "Default": 2},
        "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Default": "subnet-1, subnet-2"},
        "Words": {"Type": "CommaDelimitedList", "Default": "a,b"},
        "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/images/ours"},
        "Given": {"Type": "String", "Default": "never"},
        "GivenUnknown": {"Type": "String", "Default": "never"},
        "Broken": "no mapping",
    },
    "Mappings": {
        "Machines": {"eu-west-1": {"small": "ml.t2.medium", "many": ["a", "b"]}, 111122223333: {"small": "x"}}
    },
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Type"}, "ml.m5.large"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Perhaps": {"Fn::Equals": [{"Ref": "Free"}, "a"]},
        "Either": {"Fn::Or": [{"Condition": "Perhaps"}, {"Condition": "Yes"}]},
        "Neither": {"Fn::And": [{"Condition": "Perhaps"}, {"Condition": "No"}]},
        "Round": {"Fn::Not": [{"Condition": "About"}]},
        "About": {"Condition": "Round"},
    },
}


def resolved(value: Any, **document: Any) -> Any:
    resources = {
        "It": {"Type": "Any", "Properties": {"Value": value}},
        "Named": {"Type": "Any", "Properties": {"Name": "a-name", "Other": {"Ref": "Free"}, "Parts": ["a"]}},
    }
    template = Template({**DOCUMENT, "Resources": resources, **document}, place=PLACE)
    return template.resources["It"].at("Value")


KNOWN = {
    "parameter with a default": ({"Ref": "Type"}, "ml.m5.large"),
    "parameter that is a number": ({"Ref": "Count"}, 2),
    "parameter that is a list": ({"Ref": "Subnets"}, ["subnet-1", "subnet-2"]),
    "parameter that is given": ({"Ref": "Given"}, "from outside"),
    "region": ({"Ref": "AWS::Region"}, "eu-west-1"),
    "account": ({"Fn::Sub": "${AWS::AccountId}"}, "111122223333"),
    "stack name": ({"Ref": "AWS::StackName"}, "ours"),
    "partition": ({"Fn::Sub": "arn:${AWS::Partition}:s3:::b.${AWS::URLSuffix}"}, "arn:aws:s3:::b.amazonaws.com"),
    "no value": ([{"Ref": "AWS::NoValue"}, "a"], ["a"]),
    "resource": ({"Ref": "Named"}, link("Named")),
    "attribute": ({"Fn::GetAtt": ["Named", "Arn"]}, link("Named", "Arn")),
    "attribute in one word": ({"Fn::GetAtt": "Named.Arn"}, link("Named", "Arn")),
    "attribute of an attribute": ({"Fn::GetAtt": "Named.Endpoint.Port"}, link("Named", "Endpoint.Port")),
    "attribute whose name is computed": ({"Fn::GetAtt": ["Named", {"Fn::Sub": "Arn"}]}, link("Named", "Arn")),
    "attribute that was given": ({"Fn::GetAtt": ["Named", "Name"]}, "a-name"),
    "attribute that was given and is unknown": ({"Fn::GetAtt": ["Named", "Other"]}, link("Named", "Other")),
    "attribute that was given and is a list": ({"Fn::GetAtt": ["Named", "Parts"]}, link("Named", "Parts")),
    "sub with a literal": ({"Fn::Sub": "${!Kept}-${Type}"}, "${Kept}-ml.m5.large"),
    "sub with values": ({"Fn::Sub": ["${A}-${Type}", {"A": {"Ref": "Count"}}]}, "2-ml.m5.large"),
    "sub with an attribute": ({"Fn::Sub": "x/${Named.Name}/${Named.Arn}"}, f"x/a-name/{link('Named', 'Arn')}"),
    "join": ({"Fn::Join": ["-", ["a", {"Ref": "Count"}, {"Ref": "AWS::NoValue"}]]}, "a-2"),
    "join of a list": ({"Fn::Join": [",", {"Ref": "Words"}]}, "a,b"),
    "select": ({"Fn::Select": ["1", {"Ref": "Words"}]}, "b"),
    "select of split": ({"Fn::Select": [2, {"Fn::Split": [":", "a:b:c"]}]}, "c"),
    "map": ({"Fn::FindInMap": ["Machines", {"Ref": "AWS::Region"}, "small"]}, "ml.t2.medium"),
    "map with a number for a key": ({"Fn::FindInMap": ["Machines", {"Ref": "AWS::AccountId"}, "small"]}, "x"),
    "map of lists": ({"Fn::FindInMap": ["Machines", "eu-west-1", "many"]}, ["a", "b"]),
    "map with a default": ({"Fn::FindInMap": ["Machines", "mars", "small", {"DefaultValue": "d"}]}, "d"),
    "if it is so": ({"Fn::If": ["Yes", "a", "b"]}, "a"),
    "if it is not so": ({"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, None),
    "if either is so": ({"Fn::If": ["Either", "a", "b"]}, "a"),
    "if both are so": ({"Fn::If": ["Neither", "a", "b"]}, "b"),
    "if nobody knows and it is the same": ({"Fn::If": ["Perhaps", {"a": 1}, {"a": 1}]}, {"a": 1}),
    "base64": ({"Fn::Base64": "text"}, base64.b64encode(b"text").decode()),
    "length": ({"Fn::Length": {"Ref": "Words"}}, 2),
    "text of json": ({"Fn::ToJsonString": {"a": [{"Ref": "Count"}]}}, '{"a":[2]}'),
    "transform beside nothing known": ({"a": {"Ref": "Type"}}, {"a": "ml.m5.large"}),
    "dynamic reference": ("{{resolve:ssm:/a}}", "{{resolve:ssm:/a}}"),
}


@pytest.mark.parametrize(("written", "expected"), KNOWN.values(), ids=KNOWN)
def test_function_comes_to(written: Any, expected: Any) -> None:
    assert resolved(written) == expected


UNRESOLVED: list[Any] = [
    {"Ref": "Free"},
    {"Ref": "Image"},
    {"Ref": "GivenUnknown"},
    {"Ref": "Nowhere"},
    {"Ref": "Broken"},
    {"Ref": ["Free"]},
    {"Ref": None},
    {"Ref": "AWS::NotificationARNs"},
    {"Fn::Sub": "a-${Free}"},
    {"Fn::Sub": ["a"]},
    {"Fn::Sub": [1, {}]},
    {"Fn::Sub": ["${A}", ["A"]]},
    {"Fn::Sub": {"a": "b"}},
    {"Fn::GetAtt": "Named"},
    {"Fn::GetAtt": [["Named"], "Arn"]},
    {"Fn::GetAtt": ["Named", {"Ref": "Free"}]},
    {"Fn::Join": ["-", ["a", {"Ref": "Free"}]]},
    {"Fn::Join": ["-", "a"]},
    {"Fn::Join": [1, ["a"]]},
    {"Fn::Join": "a"},
    {"Fn::Select": [9, ["a"]]},
    {"Fn::Select": ["-1", ["a"]]},
    {"Fn::Select": ["9" * 5000, ["a"]]},
    {"Fn::Select": [{"Ref": "Free"}, ["a"]]},
    {"Fn::Split": ["", "a"]},
    {"Fn::Split": [None, "a"]},
    {"Fn::FindInMap": ["Machines", "mars", "small"]},
    {"Fn::FindInMap": ["Machines", {"Ref": "Free"}, "small"]},
    {"Fn::FindInMap": ["Machines", ["eu-west-1"], "small"]},
    {"Fn::FindInMap": ["Machines"]},
    {"Fn::FindInMap": "Machines"},
    {"Fn::If": ["Perhaps", "a", "b"]},
    {"Fn::If": ["Round", "a", "b"]},
    {"Fn::If": [["Yes"], "a", "b"]},
    {"Fn::If": ["Yes", "a"]},
    {"Fn::If": "Yes"},
    {"Fn::ImportValue": "a"},
    {"Fn::ImportValue": ["a"]},
    {"Fn::GetAZs": ""},
    {"Fn::Cidr": ["10.0.0.0/16", 2, 8]},
    {"Fn::Base64": {"Ref": "Free"}},
    {"Fn::Length": [{"Ref": "Free"}]},
    {"Fn::Length": "abc"},
    {"Fn::ToJsonString": {"a": {"Ref": "Free"}}},
    {"Fn::Transform": {"Name": "Include"}},
    {"Fn::Transform": {"Name": "Include"}, "Beside": 1},
    {"Fn::Nonsense": 1},
]


@pytest.mark.parametrize("written", UNRESOLVED, ids=str)
def test_function_stays_unknown(written: Any) -> None:
    assert isinstance(resolved(written), Unknown)


NAMED: list[Any] = [
    {"Ref": "Free"},
    {"Ref": "Image"},
    {"Fn::ImportValue": "a"},
    {"Fn::ImportValue": {"Fn::Sub": "${Free}-role"}},
    {"Fn::GetAZs": {"Ref": "AWS::Region"}},
    {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
    {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Free"}]}]},
    {"Fn::Join": ["-", [{"Ref": "Free"}, "a"]]},
]


@pytest.mark.parametrize("written", NAMED, ids=str)
def test_unknown_equals_itself_and_no_other(written: Any) -> None:
    one, other, rest = resolved([written, written, [each for each in NAMED if each is not written]])
    assert isinstance(one, Named)
    assert one == other
    assert one not in rest
    assert UNKNOWN in [0, one]


def test_name_that_is_a_free_parameter_finds_its_resource() -> None:
    made = {"Type": "Made", "Properties": {"Name": {"Ref": "Free"}}}
    for name, found in (("Free", "Made"), ("Image", None)):
        user = {"Type": "User", "Properties": {"Of": {"Ref": name}}}
        template = Template({**DOCUMENT, "Resources": {"Made": made, "User": user}})
        resource = template.named("Made", template.resources["User"].at("Of"), key="Name")
        assert (None if resource is None else resource.logical_id) == found


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        (None, "aws", "amazonaws.com"),
    ],
)
def test_partition_is_the_regions(region: str | None, partition: str, suffix: str) -> None:
    known = Place(region).pseudo()
    assert (known["AWS::Partition"], known["AWS::URLSuffix"]) == (partition, suffix)


def test_what_nobody_gave_is_a_reference_to_itself() -> None:
    written = {"Type": "Any", "Properties": {"Value": {"Fn::Sub": "${AWS::Region}/${AWS::AccountId}/x:latest"}}}
    value = Template({"Resources": {"It": written}}).resources["It"].at("Value")
    assert value == f"{link('AWS::Region')}/{link('AWS::AccountId')}/x:latest"


def test_loop_is_written_out() -> None:
    body = {
        "${Name}Model": {"Type": "Model", "Properties": {"Tag": "of-${Name}", "Name": {"Ref": "Name"}, "D": "${Type}"}}
    }
    document = {
        **DOCUMENT,
        "Transform": ["AWS::LanguageExtensions"],
        "Resources": {"Fn::ForEach::Models": ["Name", {"Ref": "Words"}, body]},
    }
    template = Template(document)
    assert {name: each.properties for name, each in template.resources.items()} == {
        "aModel": {"Tag": "of-a", "Name": "a", "D": "${Type}"},
        "bModel": {"Tag": "of-b", "Name": "b", "D": "${Type}"},
    }


@pytest.mark.parametrize("loop", [None, [], ["Name", "a", {}], ["Name", ["a"], "b"], [1, ["a"], {}], {"Ref": "Words"}])
def test_loop_of_another_form_is_nothing(loop: Any) -> None:
    resources = {"Fn::ForEach::Models": loop, "It": {"Type": "Any"}}
    assert [*Template({"Transform": "AWS::LanguageExtensions", "Resources": resources}).resources] == ["It"]


def test_loops_inside_of_loops_stay_small() -> None:
    inner: Any = {"X${A}": {"Type": "Any"}}
    for _ in range(8):
        inner = {"Fn::ForEach::L": ["A", [str(number) for number in range(10)], inner]}
    assert Template({"Transform": "AWS::LanguageExtensions", "Resources": inner}).resources


def test_long_chains_of_names_and_conditions_end() -> None:
    conditions = {f"C{n}": {"Fn::Not": [{"Condition": f"C{n + 1}"}]} for n in range(5000)}
    resources = {
        f"R{n}": {"Type": "Any", "Condition": f"C{n}", "Properties": {"Name": {"Fn::GetAtt": [f"R{n + 1}", "Name"]}}}
        for n in range(5000)
    }
    assert len(Template({"Conditions": conditions, "Resources": resources}).resources) == 5000


def test_serverless_application_is_left_alone() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13"}}
    template = Template({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": function}})
    assert template.resources["F"].properties == {"Runtime": "python3.13"}
