from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import get_args

import botocore.session
import pytest

from slipway.catalog import find_metric, instance_types, metrics, published
from slipway.specs.endpoint import AnyEndpoint

FILE = Path(__file__).parents[2] / "slipway" / "catalog" / "metrics.json"
VARIANT = ("EndpointName", "VariantName")
KINDS = {"realtime", "async", "serverless", "multi-model", "multi-container", "pipeline", "inference-components"}


def test_file_names_its_sources_and_their_date() -> None:
    content = json.loads(FILE.read_text())
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    assert {row["source"] for row in content["metrics"]} == set(content["sources"])
    for source in content["sources"].values():
        assert source["page"].startswith("https://docs.aws.amazon.com/sagemaker/")
        assert source["says"]


def test_units_and_statistics_are_cloudwatchs_own() -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch")
    units, statistics = model.shape_for("StandardUnit").enum, model.shape_for("Statistic").enum
    for metric in metrics():
        assert metric.unit in units, metric.name
        assert metric.statistics, metric.name
        assert metric.statistics <= {*statistics, "Percentile"}, metric.name


def test_each_metric_of_a_kind_is_there_once_for_its_dimensions() -> None:
    counted = Counter(
        (metric.name, kind, names) for metric in metrics() for kind in metric.kinds for names in metric.dimensions
    )
    assert [key for key, count in counted.items() if count > 1] == []
    assert {kind for metric in metrics() for kind in metric.kinds} == KINDS


def test_every_kind_of_endpoint_that_can_be_written_publishes_something() -> None:
    written = {get_args(spec.model_fields["kind"].annotation)[0] for spec in get_args(AnyEndpoint)}
    assert written <= KINDS


def test_metric_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        metrics()[0].unit = "Seconds"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "kind", "dimensions", "namespace", "unit"),
    [
        ("Invocation5XXErrors", "async", VARIANT, "AWS/SageMaker", "None"),
        ("ModelLatency", "realtime", (*VARIANT, "EndpointConfigName"), "AWS/SageMaker", "Microseconds"),
        ("ModelLatency", "inference-components", ("InferenceComponentName",), "AWS/SageMaker", "Microseconds"),
        ("CPUUtilization", "multi-model", VARIANT, "/aws/sagemaker/Endpoints", "Percent"),
        ("CPUUtilizationNormalized", "inference-components", VARIANT, "/aws/sagemaker/Endpoints", "Percent"),
        (
            "CPUUtilizationNormalized",
            "inference-components",
            ("InferenceComponentName",),
            "/aws/sagemaker/InferenceComponents",
            "Percent",
        ),
        ("ApproximateAgeOfOldestRequest", "async", ("EndpointName",), "AWS/SageMaker", "Seconds"),
        ("TimeInBacklog", "async", VARIANT, "AWS/SageMaker", "Milliseconds"),
        ("ModelSetupTime", "serverless", VARIANT, "AWS/SageMaker", "Microseconds"),
    ],
)
def test_metric_is_found_by_kind_and_dimensions(
    name: str, kind: str, dimensions: tuple[str, ...], namespace: str, unit: str
) -> None:
    metric = find_metric(name, kind=kind, dimensions=dimensions)
    assert (metric.namespace, metric.unit) == (namespace, unit)


@pytest.mark.parametrize(
    ("name", "kind", "dimensions", "message"),
    [
        ("Invocation5xxErrors", "realtime", VARIANT, "hosting publishes no metric Invocation5xxErrors"),
        ("ModelCacheHit", "realtime", VARIANT, "ModelCacheHit is published by multi-model, not by realtime"),
        (
            "ApproximateBacklogSize",
            "async",
            VARIANT,
            "ApproximateBacklogSize is published under EndpointName, not under EndpointName + VariantName",
        ),
    ],
)
def test_metric_that_is_not_published_is_refused_with_what_is(
    name: str, kind: str, dimensions: tuple[str, ...], message: str
) -> None:
    assert published(name, kind=kind, dimensions=dimensions) is None
    with pytest.raises(ValueError, match=r"hosting|published") as refusal:
        find_metric(name, kind=kind, dimensions=dimensions)
    assert str(refusal.value) == message


# Source: FACTS of this project, taken from the service's user guide; each has misled alarms in the wild.
@pytest.mark.parametrize(
    ("name", "kind", "metric_kind_has_not"),
    [
        ("Invocations", "realtime", "async"),
        ("OverheadLatency", "serverless", "async"),
        ("DiskUtilization", "async", "serverless"),
        ("InvocationModelErrors", "pipeline", "serverless"),
    ],
)
def test_kind_does_not_publish_what_others_do(name: str, kind: str, metric_kind_has_not: str) -> None:
    assert published(name, kind=kind, dimensions=VARIANT) is not None
    assert published(name, kind=metric_kind_has_not, dimensions=VARIANT) is None


def test_values_are_converted_into_the_metrics_own_unit() -> None:
    latency = find_metric("ModelLatency", kind="realtime", dimensions=VARIANT)
    assert latency.of(60, "Milliseconds") == 60_000
    assert latency.of(2, "Seconds") == 2_000_000
    cpu = find_metric("CPUUtilization", kind="realtime", dimensions=VARIANT)
    assert cpu.of(90, "Percent", instance_types()["ml.c7i.xlarge"]) == 360
    gpu = find_metric("GPUUtilization", kind="realtime", dimensions=VARIANT)
    assert gpu.of(90, "Percent", instance_types()["ml.g5.12xlarge"]) == 360
    memory = find_metric("MemoryUtilization", kind="realtime", dimensions=VARIANT)
    assert memory.of(90, "Percent", instance_types()["ml.g5.12xlarge"]) == 90
    with pytest.raises(ValueError, match="measured in Microseconds, which Percent cannot"):
        latency.of(60, "Percent")
    with pytest.raises(ValueError, match="summed over gpus"):
        gpu.of(90, "Percent", instance_types()["ml.c7i.xlarge"])


def test_bounds_are_those_of_the_statistic_on_the_machine() -> None:
    errors = find_metric("Invocation5XXErrors", kind="realtime", dimensions=VARIANT)
    assert errors.bounds("Average") == (0, 1)
    assert errors.bounds("Sum") == (0, float("inf"))
    cpu = find_metric("CPUUtilization", kind="async", dimensions=VARIANT)
    assert cpu.bounds("Average", instance_types()["ml.c7i.xlarge"]) == (0, 400)
    assert errors.has("Average")
    assert not errors.has("p99")
    assert find_metric("ModelLatency", kind="async", dimensions=VARIANT).has("p99")
