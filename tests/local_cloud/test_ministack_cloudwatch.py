"""The private names of the emulator's CloudWatch and EventBridge, each as we use it."""

# ruff: noqa: SLF001  private names are what this test is about
from __future__ import annotations

import inspect
from typing import Any

import pytest
from ministack.core import responses
from ministack.services import cloudwatch, eventbridge
from ministack.services.cloudformation import provisioners


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (
            cloudwatch._store_datum,
            ["namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"],
        ),
        (cloudwatch._dims_key, ["dims"]),
        (cloudwatch._metric_bucket, ["key"]),
        (cloudwatch._calc_stats, ["points"]),
        (cloudwatch._stat_value, ["stats", "stat_name", "points"]),
        (cloudwatch._evaluate_alarm, ["alarm"]),
        (cloudwatch._evict_old_metrics, []),
        (cloudwatch._dispatch_alarm_actions, ["alarm", "old_state", "new_state", "reason"]),
        (cloudwatch._evaluate_parent_alarms, ["child", "seen"]),
        (eventbridge._put_events, ["data", "allow_aws_source"]),
        (responses.request_scope, ["account_id", "region"]),
    ],
)
def test_function_takes_what_we_give_it(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_history_is_recorded_with_what_we_give() -> None:
    assert list(inspect.signature(cloudwatch._record_history).parameters)[:4] == [
        *("alarm_name", "old_state", "new_state", "reason")
    ]


def test_every_evaluation_goes_through_the_name_that_we_take_over() -> None:
    assert "_evaluate_alarm(alarm)" in inspect.getsource(cloudwatch._evaluate_all_alarms)
    assert "_store_datum(" in inspect.getsource(cloudwatch._put_metric_data)
    assert "_evaluate_all_alarms()" in inspect.getsource(cloudwatch._put_metric_data)
    assert "_evaluate_alarm(alarm)" in inspect.getsource(cloudwatch.cloudformation_put_metric_alarm)
    assert "cloudformation_put_metric_alarm(alarm)" in inspect.getsource(provisioners._cw_metric_alarm_put)
    assert "_evict_old_metrics()" in inspect.getsource(cloudwatch.handle_request)


def test_stores_are_keyed_by_account_and_region() -> None:
    for store in (cloudwatch._metrics, cloudwatch._alarms):
        assert isinstance(store, responses.AccountRegionScopedDict)
    with responses.request_scope("111111111111", "eu-west-1"):
        store = responses.AccountRegionScopedDict()
        store["name"] = 1
        assert store.all_items() == list(store._data.items()) == [(("111111111111", "eu-west-1", "name"), 1)]
