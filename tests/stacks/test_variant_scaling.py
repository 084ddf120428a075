from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]
Scaled = Callable[..., Template]

CPU = {"namespace": "/aws/sagemaker/Endpoints", "name": "CPUUtilization", "statistic": "average"}
OWN = [{"Name": "EndpointName", "Value": "it"}, {"Name": "VariantName", "Value": "only"}]
STEPS = {
    "track": "step",
    "metric": CPU,
    "grow": [{"above": 90, "add": 3}, {"above": 70, "add": 1}],
    "shrink": [{"below": 10, "remove": 2}, {"below": 20, "remove": 1}],
    "for_minutes": 2,
    "scale_out_cooldown_seconds": 30,
    "scale_in_cooldown_seconds": 600,
}


@pytest.fixture
def scaled(synth: Synth) -> Scaled:
    """Synthesise one variant of two to eight machines, scaled as a test says."""
    return lambda **scaling: synth(
        {"scaling": {"instances": {"min": 2, "max": 8}, "track": "concurrency", **scaling}}, {}
    )["slipway-test-it"]


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [({}, OWN), ({"dimensions": {"Queue": "orders"}}, [{"Name": "Queue", "Value": "orders"}])],
)
def test_custom_metric_is_the_variants_own_unless_the_spec_says_whose(
    scaled: Scaled, of_type: Of, dimensions: dict[str, Any], expected: list[dict[str, str]]
) -> None:
    metric = {**CPU, "statistic": "sample-count", **dimensions}
    (policy,) = of_type(scaled(track="custom", metric=metric, target=70), "ApplicationAutoScaling::ScalingPolicy")
    tracking = policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    assert "PredefinedMetricSpecification" not in tracking
    assert tracking["TargetValue"] == 70
    assert tracking["CustomizedMetricSpecification"] == {
        "Dimensions": expected,
        "MetricName": "CPUUtilization",
        "Namespace": "/aws/sagemaker/Endpoints",
        "Statistic": "SampleCount",
    }


def test_steps_are_counted_from_the_bound_at_which_their_alarm_rings(scaled: Scaled, of_type: Of) -> None:
    policies = {
        policy["Properties"]["PolicyName"]: policy["Properties"]["StepScalingPolicyConfiguration"]
        for policy in of_type(scaled(**STEPS), "ApplicationAutoScaling::ScalingPolicy")
    }
    assert {name: policy["Cooldown"] for name, policy in policies.items()} == {"grow": 30, "shrink": 600}
    assert policies["grow"]["AdjustmentType"] == policies["shrink"]["AdjustmentType"] == "ChangeInCapacity"
    assert policies["grow"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
    ]
    assert policies["shrink"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": -10, "MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
        {"MetricIntervalUpperBound": -10, "ScalingAdjustment": -2},
    ]


def test_each_direction_is_set_off_by_an_alarm_of_its_own(scaled: Scaled, of_type: Of) -> None:
    template = scaled(**STEPS)
    policies = {
        name: entry["Properties"]["PolicyName"]
        for name, entry in template["Resources"].items()
        if entry["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    }
    alarms = [
        alarm["Properties"]
        for alarm in of_type(template, "CloudWatch::Alarm")
        if alarm["Properties"]["MetricName"] == "CPUUtilization"
    ]
    found = {policies[alarm["AlarmActions"][0]["Ref"]]: alarm for alarm in alarms}
    assert found["grow"]["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["grow"]["Threshold"] == 70
    assert found["shrink"]["ComparisonOperator"] == "LessThanThreshold"
    assert found["shrink"]["Threshold"] == 20
    for alarm in alarms:
        assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["Statistic"]) == (60, 2, "Average")
        assert alarm["Dimensions"] == OWN


@pytest.mark.parametrize(
    ("off_hours", "begin", "end"),
    [
        ({"days": ["sun", "sat"]}, "0 0 ? * SAT *", "0 0 ? * MON *"),
        ({"days": ["mon", "wed", "thu"]}, "0 0 ? * MON,WED *", "0 0 ? * TUE,FRI *"),
        (
            {"start": "20:00", "end": "06:30"},
            "0 20 ? * MON,TUE,WED,THU,FRI,SAT,SUN *",
            "30 6 ? * MON,TUE,WED,THU,FRI,SAT,SUN *",
        ),
        ({"days": ["fri", "sun"], "start": "22:05", "end": "05:00"}, "5 22 ? * FRI,SUN *", "0 5 ? * MON,SAT *"),
        ({"days": ["sat"], "start": "01:00", "end": "02:00"}, "0 1 ? * SAT *", "0 2 ? * SAT *"),
    ],
)
def test_off_hours_begin_and_end_by_the_clock(
    scaled: Scaled, of_type: Of, off_hours: dict[str, Any], begin: str, end: str
) -> None:
    template = scaled(target=4, off_hours={"min": 1, "timezone": "Europe/Berlin", **off_hours})
    (target,) = of_type(template, "ApplicationAutoScaling::ScalableTarget")
    assert target["Properties"]["ScheduledActions"] == [
        {
            "ScalableTargetAction": {"MaxCapacity": 8, "MinCapacity": 1},
            "Schedule": f"cron({begin})",
            "ScheduledActionName": "off hours begin",
            "Timezone": "Europe/Berlin",
        },
        {
            "ScalableTargetAction": {"MaxCapacity": 8, "MinCapacity": 2},
            "Schedule": f"cron({end})",
            "ScheduledActionName": "off hours end",
            "Timezone": "Europe/Berlin",
        },
    ]


def test_scheduled_bounds_stand_beside_the_off_hours(scaled: Scaled, of_type: Of) -> None:
    rush = {"name": "rush", "cron": "0 7 ? * MON-FRI *", "min": 6, "max": 12}
    template = scaled(target=4, off_hours={"days": ["sat"], "min": 1, "max": 1}, schedule=[rush])
    (target,) = of_type(template, "ApplicationAutoScaling::ScalableTarget")
    actions = {action["ScheduledActionName"]: action for action in target["Properties"]["ScheduledActions"]}
    assert actions["rush"]["Schedule"] == "cron(0 7 ? * MON-FRI *)"
    assert actions["rush"]["ScalableTargetAction"] == {"MaxCapacity": 12, "MinCapacity": 6}
    assert actions["off hours begin"]["ScalableTargetAction"] == {"MaxCapacity": 1, "MinCapacity": 1}


def test_nothing_is_scheduled_when_the_spec_names_no_time(scaled: Scaled, of_type: Of) -> None:
    (target,) = of_type(scaled(target=4), "ApplicationAutoScaling::ScalableTarget")
    assert "ScheduledActions" not in target["Properties"]
