"""Two templates compared, and one of them without its scaling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.catalog import create_only
from slipway.operations.changes import compare
from slipway.operations.set_aside import blocked_variants, without_scaling
from slipway.specs import HostError

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
SCALING = "AWS::ApplicationAutoScaling::"

Template = dict[str, Any]


def stored(name: str) -> Template:
    template: Template = json.loads((SNAPSHOTS / "prod" / f"{name}.json").read_text(encoding="utf-8"))
    return template


def changed(name: str, old: str, new: str) -> Template:
    text = json.dumps(stored(name))
    assert old in text
    template: Template = json.loads(text.replace(old, new))
    return template


def test_nothing_changed_is_nothing() -> None:
    assert not compare(stored("sentence-embedder"), stored("sentence-embedder"))


def test_letters_that_cloudformation_gave_back_as_question_marks_are_no_change() -> None:
    wanted = changed("sentence-embedder", "Sentences become", "Sätze → become")
    deployed = changed("sentence-embedder", "Sentences become", "S?tze ? become")
    assert not compare(deployed, wanted)
    assert compare(stored("sentence-embedder"), wanted).outside


def test_another_machine_replaces_the_config_and_changes_what_knows_its_name() -> None:
    found = compare(stored("sentence-embedder"), changed("sentence-embedder", "ml.c7i.xlarge", "ml.c7i.2xlarge"))
    assert [name.split()[0] for name in found.replaced] == ["AWS::SageMaker::EndpointConfig"]
    assert {name.split()[0] for name in found.changed} == {"AWS::CloudWatch::Alarm", "AWS::SageMaker::Endpoint"}
    assert (found.added, found.removed, found.outside) == ((), (), False)


def test_what_names_a_replaced_resource_in_what_is_set_once_is_replaced_too() -> None:
    template = stored("sentence-embedder")
    model = next(entry for entry in template["Resources"].values() if entry["Type"] == "AWS::SageMaker::Model")
    model["Properties"]["PrimaryContainer"]["Image"] = "another"
    replaced = compare(stored("sentence-embedder"), template).replaced
    assert [name.split()[0].split("::")[2] for name in replaced] == ["EndpointConfig", "Model"]


def test_what_is_new_and_what_goes_is_named() -> None:
    whole = stored("sentence-embedder")
    less = without_scaling(whole, whole)
    found = compare(whole, less)
    assert {name.split()[0] for name in found.removed} == {f"{SCALING}ScalableTarget", f"{SCALING}ScalingPolicy"}
    assert compare(less, whole).added == found.removed
    assert (found.changed, found.replaced) == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ml.c7i.xlarge", "ml.c7i.2xlarge", {"int8", "fp32"}),
        ('"VariantName": "int8"', '"VariantName": "int4"', {"int8"}),
        ('"InitialVariantWeight": 90', '"InitialVariantWeight": 80', set()),
    ],
)
def test_scaled_variants_that_move_or_go_are_blocked(old: str, new: str, expected: set[str]) -> None:
    deployed = stored("sentence-embedder")
    assert set(blocked_variants(deployed, changed("sentence-embedder", old, new))) == expected
    assert blocked_variants(without_scaling(deployed, deployed), changed("sentence-embedder", old, new)) == {}


def test_an_alarm_that_woke_a_fleet_stays_and_calls_nobody() -> None:
    deployed = stored("document-embedder")
    left = without_scaling(deployed, deployed)["Resources"]
    [alarm] = [entry for name, entry in left.items() if "WakeUpAlarm" in name]
    assert alarm["Properties"]["AlarmActions"] == []
    assert [entry for entry in left.values() if entry["Type"].startswith(SCALING)] == []
    assert left.keys() == {
        name for name, entry in deployed["Resources"].items() if not entry["Type"].startswith(SCALING)
    }


def test_letters_that_came_back_as_question_marks_are_written_as_they_were() -> None:
    deployed = changed("document-embedder", "requests wait and no instance is there", "es wartet ? lange")
    wanted = changed("document-embedder", "requests wait and no instance is there", "es wartet … lange")
    assert "es wartet … lange" in json.dumps(without_scaling(deployed, wanted), ensure_ascii=False)


def test_a_stack_that_needs_its_scaling_otherwise_is_refused() -> None:
    deployed = stored("document-embedder")
    policy = next(name for name, entry in deployed["Resources"].items() if entry["Type"] == f"{SCALING}ScalingPolicy")
    deployed["Outputs"]["Policy"] = {"Value": {"Fn::Sub": f"${{{policy}}}"}}
    with pytest.raises(HostError, match=f"the rest of the stack refers to {policy}"):
        without_scaling(deployed, deployed)


def test_every_type_that_our_stacks_have_is_in_the_catalogue() -> None:
    types = {
        entry["Type"]
        for file in SNAPSHOTS.rglob("*.json")
        for entry in json.loads(file.read_text())["Resources"].values()
    }
    assert [name for name in sorted(types) if create_only(name) is None] == []
    assert create_only("AWS::SageMaker::Endpoint") == ("EndpointName",)
    assert create_only("AWS::No::Such") is None
