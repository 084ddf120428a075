"""Each rule finds its own defect and nothing else, and nothing is found where nothing is wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from slipway.preflight import Severity, check, read_template, rules
from slipway.preflight.reference import main
from tests.preflight.conftest import GOOD, KILLED, REGION, STORED, Defect, defects

if TYPE_CHECKING:
    from pathlib import Path

DEFECTS = defects()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_template_is_free_of_findings(path: Path) -> None:
    assert check(read_template(path), region=REGION) == []


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_our_own_template_has_no_error(path: Path) -> None:
    template = json.loads(re.sub("<hash ([0-9]+)>", r"hash-\1", path.read_text(encoding="utf-8")))
    found = check(template, region="us-east-1" if path.parent.name == "local" else REGION)
    assert [each for each in found if each.severity is Severity.ERROR] == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_defect_is_found_by_its_own_rule_alone(defect: Defect) -> None:
    found = check(defect.template, region=defect.region)
    assert {each.rule for each in found} == {defect.rule}
    assert check(defect.good, region=REGION) == [], "without the change nothing is found"
    assert all(each.message and each.mend and each.path for each in found)
    KILLED[defect.rule] += 1


def test_every_rule_is_killed_by_a_defect() -> None:
    assert {rule.id for rule in rules()} == {defect.rule for defect in DEFECTS}


def test_every_rule_says_what_happens_and_what_to_do() -> None:
    for rule in rules():
        assert rule.consequence.endswith("."), rule.id
        assert rule.mend[0].islower(), rule.id
        assert rule.mend[-1] != ".", rule.id
        assert rule.source, rule.id


def test_reference_is_what_the_rules_give() -> None:
    assert main(["--check"]) == 0
