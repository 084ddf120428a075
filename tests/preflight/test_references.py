from __future__ import annotations

from typing import Any

from slipway.preflight.references import References


def references(**resources: Any) -> References:
    return References({"Resources": resources, "Outputs": {"Name": {"Value": {"Ref": "Told"}}}})


def test_waits_by_every_way_of_naming_and_by_way_of_others() -> None:
    found = references(
        A={"Properties": {"X": {"Ref": "B"}}},
        B={"DependsOn": ["C"]},
        C={"Properties": {"X": [{"Fn::Sub": "${D.Arn}/${!E}"}]}},
        D={"Properties": {"X": {"Fn::GetAtt": "F.Arn"}, "Y": {"Fn::Sub": ["${G}", {"G": {"Ref": "H"}}]}}},
        E={},
        F={},
        H={},
    )
    assert [name for name in "BCDFH" if found.waits("A", name)] == [*"BCDFH"]
    assert not found.waits("A", "E")
    assert not found.waits("F", "A")


def test_circle_ends() -> None:
    found = references(A={"DependsOn": "B"}, B={"DependsOn": "A"})
    assert found.waits("A", "A")
    assert found.mentioned == {"A", "B", "Told"}


def test_own_name_mentions_nobody() -> None:
    assert references(A={"Properties": {"X": {"Ref": "A"}}}).mentioned == {"Told"}
