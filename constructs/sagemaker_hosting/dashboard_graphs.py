"""What a dashboard shows of an endpoint, of each kind what it publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import published
from slipway.catalog.alarms import VARIANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagemaker_hosting.endpoint_watch import EndpointWatch

ENDPOINT: Final = ("EndpointName",)
COMPONENT: Final = ("InferenceComponentName",)
WIDTH: Final = 8
HEIGHT: Final = 6
COLUMNS: Final = 24 // WIDTH


@dataclass(frozen=True)
class Graph:
    """Lines that are looked at together, since they have one unit.

    Args:
        title: Above them.
        lines: Metric, statistic and dimensions of each; those that the kind does not publish are left out.
    """

    title: str
    lines: tuple[tuple[str, str, tuple[str, ...]], ...]


def _graph(title: str, *lines: tuple[str, str], dimensions: tuple[str, ...] = VARIANT) -> Graph:
    return Graph(title, tuple((metric, statistic, dimensions) for metric, statistic in lines))


TRAFFIC: Final = _graph("Requests", ("Invocations", "Sum"), ("InvocationsProcessed", "Sum"))
ERRORS: Final = _graph(
    "Share of requests that fail",
    ("Invocation5XXErrors", "Average"),
    ("Invocation4XXErrors", "Average"),
    ("InvocationModelErrors", "Average"),
)
LATENCY: Final = _graph(
    "Latency (µs)", ("ModelLatency", "p50"), ("ModelLatency", "p99"), ("OverheadLatency", "Average")
)
GRAPHS: Final = (
    TRAFFIC,
    ERRORS,
    LATENCY,
    _graph("Processors (% x cores)", ("CPUUtilization", "Average")),
    _graph("Memory and disk (%)", ("MemoryUtilization", "Average"), ("DiskUtilization", "Average")),
    _graph("GPUs (% x GPUs)", ("GPUUtilization", "Average"), ("GPUMemoryUtilization", "Average")),
    # Every instance sends one value a minute, so that a minute's samples are the instances.
    _graph("Instances", ("CPUUtilization", "SampleCount")),
    _graph("Load of an instance", ("InvocationsPerInstance", "Sum"), ("ConcurrentRequestsPerModel", "Maximum")),
    _graph(
        "Queue (requests)",
        ("ApproximateBacklogSize", "Maximum"),
        ("ApproximateBacklogSizePerInstance", "Maximum"),
        ("HasBacklogWithoutCapacity", "Average"),
        dimensions=ENDPOINT,
    ),
    _graph("Oldest request (s)", ("ApproximateAgeOfOldestRequest", "Maximum"), dimensions=ENDPOINT),
    _graph("Requests without an answer", ("InvocationFailures", "Sum"), ("ExpiredRequests", "Sum")),
    _graph("Time in the queue and in all (ms)", ("TimeInBacklog", "Average"), ("TotalProcessingTime", "Average")),
    _graph("Cold starts (µs)", ("ModelSetupTime", "Average"), ("ModelSetupTime", "Maximum")),
    _graph(
        "Share of the concurrency in use",
        ("ServerlessConcurrentExecutionsUtilization", "Maximum"),
        ("ServerlessProvisionedConcurrencyUtilization", "Maximum"),
    ),
    _graph("Share of requests that find their model loaded", ("ModelCacheHit", "Average")),
    _graph("Models loaded, each instance", ("LoadedModelCount", "Average")),
    _graph(
        "Loading of models (µs)",
        ("ModelLoadingWaitTime", "Average"),
        ("ModelDownloadingTime", "Average"),
        ("ModelLoadingTime", "Average"),
    ),
    _graph("Requests to components", ("Invocations", "Sum"), dimensions=COMPONENT),
    _graph(
        "Share of requests to components that fail",
        ("Invocation5XXErrors", "Average"),
        ("Invocation4XXErrors", "Average"),
        dimensions=COMPONENT,
    ),
    _graph("Latency of components (µs)", ("ModelLatency", "p50"), ("ModelLatency", "p99"), dimensions=COMPONENT),
    _graph(
        "Copies, of what they reserved (%)",
        ("CPUUtilizationNormalized", "Average"),
        ("MemoryUtilizationNormalized", "Average"),
        ("GPUUtilizationNormalized", "Average"),
        ("GPUMemoryUtilizationNormalized", "Average"),
        dimensions=COMPONENT,
    ),
    _graph("Requests refused for want of a copy", ("NoCapacityInvocationFailures", "Sum"), dimensions=COMPONENT),
)


def graphs(watch: EndpointWatch, region: str) -> list[dict[str, Any]]:
    """Return every graph of an endpoint that has a line."""
    found = [widget(graph.title, lines(graph, watch), region, _bounds(graph, watch)) for graph in GRAPHS]
    return [one for one in found if one["properties"]["metrics"]]


def lines(graph: Graph, watch: EndpointWatch) -> list[list[Any]]:
    """Return a graph's lines for each variant, component, or the queue, as far as they are published."""
    return [
        _line(metric, statistic, watch.kind, values)
        for metric, statistic, names in graph.lines
        for values in _values(names, watch)
        if published(metric, kind=watch.kind, dimensions=names) is not None
        if not metric.startswith("GPU") or _has_gpus(watch, values)
    ]


def widget(
    title: str, metrics: Sequence[list[Any]], region: str, bounds: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Return a graph, with a line across it for each bound that an alarm has."""
    annotations = [{"label": label, "value": value} for label, value in (bounds or {}).items()]
    return {
        "type": "metric",
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {
            "metrics": list(metrics),
            "period": 60,
            "region": region,
            "stat": "Average",
            "title": title,
            "view": "timeSeries",
            "yAxis": {"left": {"min": 0}},
            **({"annotations": {"horizontal": annotations}} if annotations else {}),
        },
    }


def placed(widgets: Sequence[dict[str, Any]], top: int) -> list[dict[str, Any]]:
    """Lay graphs out in rows from a line of the grid on."""
    return [
        {**one, "x": number % COLUMNS * WIDTH, "y": top + number // COLUMNS * HEIGHT}
        for number, one in enumerate(widgets)
    ]


def _values(names: tuple[str, ...], watch: EndpointWatch) -> list[dict[str, str]]:
    endpoint = {"EndpointName": watch.endpoint_name}
    if names == ENDPOINT:
        return [endpoint]
    if names == COMPONENT:
        return [{"InferenceComponentName": component} for component in watch.components]
    return [{**endpoint, "VariantName": variant} for variant in watch.fleets]


def _line(name: str, statistic: str, kind: str, values: Mapping[str, str]) -> list[Any]:
    metric = published(name, kind=kind, dimensions=values)
    if metric is None or not (metric.has(statistic) or statistic == "SampleCount"):
        raise ValueError(f"a dashboard cannot show {name} {statistic} of {kind}")
    whose = " ".join(value for key, value in values.items() if key != "EndpointName")
    label = " ".join(word for word in (whose, name, statistic) if word)
    pairs = [part for pair in values.items() for part in pair]
    return [metric.namespace, metric.name, *pairs, {"label": label, "stat": statistic}]


def _has_gpus(watch: EndpointWatch, values: Mapping[str, str]) -> bool:
    if "VariantName" not in values:
        return any(machine is not None and machine.gpus for machine in map(watch.machine, watch.fleets))
    machine = watch.machine(values["VariantName"])
    return machine is not None and bool(machine.gpus)


def _bounds(graph: Graph, watch: EndpointWatch) -> dict[str, float]:
    """Each different bound once: variants on one type have the same."""
    shown = {(metric, statistic, frozenset(names)) for metric, statistic, names in graph.lines}
    return {
        f"{watched.alarm.name} {watched.threshold:g}": watched.threshold
        for watched in watch.operating
        if (watched.alarm.metric, watched.alarm.statistic, frozenset(watched.alarm.dimensions)) in shown
    }
