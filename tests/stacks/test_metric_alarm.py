"""No alarm can be defined that could never fire, or never be over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from sagemaker_hosting.metric_alarm import DeadAlarmError, Origin, metric_alarm
from slipway.catalog import Alarm, instance_types
from slipway.catalog.alarms import ERROR_RATE, P99_LATENCY, VARIANT_ALARMS

VARIANT = {"EndpointName": "it", "VariantName": "only"}
CPU = next(alarm for alarm in VARIANT_ALARMS if alarm.name == "Cpu")
CACHE = next(alarm for alarm in VARIANT_ALARMS if alarm.name == "CacheHitRate")
MACHINE = instance_types()["ml.c7i.xlarge"]


def define(alarm: Alarm, origin: Origin, bound: float) -> dict[str, Any]:
    stack = Stack(App(analytics_reporting=False), "stack")
    metric_alarm(
        stack, "It", actions=["arn:aws:sns:::topic"], alarm=alarm, bound=bound, description="words", origin=origin
    )
    [made] = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    properties: dict[str, Any] = made["Properties"]
    return properties


@pytest.mark.parametrize(
    ("alarm", "origin", "bound", "threshold"),
    [
        (ERROR_RATE, Origin("realtime", VARIANT), 0.05, 0.05),
        (P99_LATENCY, Origin("async", VARIANT), 60, 60_000),
        (CPU, Origin("realtime", VARIANT, MACHINE), 90, 360),
        (CACHE, Origin("multi-model", VARIANT), 0.8, 0.8),
    ],
)
def test_threshold_is_in_the_metrics_own_unit(alarm: Alarm, origin: Origin, bound: float, threshold: float) -> None:
    made = define(alarm, origin, bound)
    assert made["Threshold"] == threshold
    assert made["MetricName"] == alarm.metric
    assert [entry["Name"] for entry in made["Dimensions"]] == list(origin.dimensions)
    assert made["AlarmActions"] == made["OKActions"] == ["arn:aws:sns:::topic"]
    assert "Unit" not in made


@pytest.mark.parametrize(
    ("alarm", "origin", "bound", "words"),
    [
        (ERROR_RATE, Origin("realtime", VARIANT), 1, "could never fire, since Invocation5XXErrors is from 0 to 1"),
        (CPU, Origin("realtime", VARIANT, MACHINE), 100, "400 could never fire, since CPUUtilization is from 0 to 400"),
        (CACHE, Origin("multi-model", VARIANT), 0, "LessThanThreshold 0 could never fire"),
        (ERROR_RATE, Origin("realtime", VARIANT), -0.1, "would never be over"),
        (CACHE, Origin("realtime", VARIANT), 0.8, "ModelCacheHit is published by multi-model, not by realtime"),
        (replace(ERROR_RATE, statistic="p99"), Origin("realtime", VARIANT), 0.1, "has no p99, only Average, Sum"),
        (ERROR_RATE, Origin("realtime", {"EndpointName": "it"}), 0.1, "not under EndpointName"),
        (replace(P99_LATENCY, unit="Percent"), Origin("realtime", VARIANT), 60, "Percent cannot be converted"),
        (CPU, Origin("realtime", VARIANT), 90, "summed over vcpus"),
    ],
)
def test_dead_alarm_is_refused_with_its_reason(alarm: Alarm, origin: Origin, bound: float, words: str) -> None:
    with pytest.raises(DeadAlarmError) as refusal:
        define(alarm, origin, bound)
    assert str(refusal.value).startswith("stack/It: ")
    assert words in str(refusal.value)
