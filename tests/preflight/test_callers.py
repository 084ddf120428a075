from __future__ import annotations

import copy
from typing import Any

import pytest

from slipway.preflight import check, read_template
from tests.preflight.conftest import HERE, REGION

FRONT = read_template(HERE / "good" / "front.yaml")


def times(template: dict[str, Any]) -> list[str]:
    return [each.rule for each in check(template, region=REGION) if each.rule.startswith("Lambda")]


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        ("Method", "Type", "AWS"),  # may call the function without waiting
        ("Method", "ResponseTransferMode", "STREAM"),
        ("Method", "TimeoutInMillis", {"Ref": "Wait"}),
        ("Method", "Uri", "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:x/invocations"),
    ],
)
def test_function_may_take_long_where_nobody_waits_for_it(resource: str, path: str, value: Any) -> None:
    template = copy.deepcopy(FRONT)
    template["Parameters"]["Wait"] = {"Type": "Number"}
    del template["Resources"]["Integration"]
    template["Resources"][resource]["Properties"]["Integration"][path] = value
    template["Resources"]["Function"]["Properties"]["Timeout"] = 300
    assert times(template) == []


def test_function_that_asks_no_endpoint_may_end_soon() -> None:
    template = copy.deepcopy(FRONT)
    del template["Resources"]["Policy"], template["Resources"]["Function"]["Properties"]["Timeout"]
    assert times(template) == []
