from __future__ import annotations

from typing import Any

import pytest

from slipway.catalog import instance_types, metrics
from slipway.preflight import Template
from slipway.preflight.reaching import out_of_reach
from slipway.preflight.watching import watches

REQUESTS = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocation5XXErrors",
    "Dimensions": [{"Name": "EndpointName", "Value": "x"}, {"Name": "VariantName", "Value": "main"}],
}


def alarm(**properties: Any) -> Template:
    return Template({"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}})


def query(name: str, *, returned: bool) -> dict[str, Any]:
    return {"Id": name, "ReturnData": returned, "MetricStat": {"Metric": REQUESTS, "Period": 60, "Stat": "Average"}}


def test_bound_is_the_metrics_only_where_the_metric_is_what_is_returned() -> None:
    expression = {"Id": "share", "Expression": "100 * a"}
    [computed] = watches(alarm(Metrics=[expression, query("a", returned=False)], Threshold=5))
    assert computed.bound is None
    [returned] = watches(alarm(Metrics=[query("a", returned=True)], Threshold=5))
    assert returned.bound == 5


def test_hosts_by_config_are_left_open() -> None:
    names = ("EndpointName", "VariantName", "EndpointConfigName")
    dimensions = [{"Name": name, "Value": "x"} for name in names]
    [watch] = watches(alarm(Namespace="/aws/sagemaker/Endpoints", MetricName="CPUUtilization", Dimensions=dimensions))
    assert (watch.fault, watch.metric) == (None, None)


@pytest.mark.parametrize("namespace", ["/aws/sagemaker/TrainingJobs", "AWS/Lambda", "MyTeam/SageMaker"])
def test_metrics_of_others_are_left_alone(namespace: str) -> None:
    assert watches(alarm(**{**REQUESTS, "Namespace": namespace, "Dimensions": []})) == ()


@pytest.mark.parametrize(
    ("statistic", "comparison", "bound", "is_dead"),
    [
        ("Average", "GreaterThanThreshold", 0.99, False),
        ("Average", "GreaterThanThreshold", 1, True),
        ("Average", "GreaterThanOrEqualToThreshold", 1, False),
        ("Average", "LessThanThreshold", 0, True),
        ("Average", "LessThanOrEqualToThreshold", 0, False),
        ("Average", "LessThanOrEqualToThreshold", 1, True),
        ("Sum", "GreaterThanThreshold", 500, False),
        ("PR(0:1)", "LessThanThreshold", 90, False),
        ("Average", "LessThanLowerThreshold", 90, False),
    ],
)
def test_bound_of_an_error_rate(statistic: str, comparison: str, bound: float, *, is_dead: bool) -> None:
    [metric] = [each for each in metrics() if each.name == "Invocation5XXErrors" and each.source == "containers"]
    assert (out_of_reach(metric, statistic, comparison, bound, None) is not None) is is_dead


def test_bound_of_processors_depends_on_the_machine() -> None:
    [metric] = [each for each in metrics() if each.name == "CPUUtilization" and each.source == "hosts"]
    four = instance_types()["ml.c7i.xlarge"]
    assert out_of_reach(metric, "Average", "GreaterThanThreshold", 399, four) is None
    assert out_of_reach(metric, "Average", "GreaterThanThreshold", 400, four) is not None
    assert out_of_reach(metric, "Average", "GreaterThanThreshold", 400, None) is None
