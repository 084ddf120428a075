"""The alarms that an endpoint can have: what each watches, and the page that says what to do about it.

What a metric is measured in, and where it is published, is in ``metrics.json``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

VARIANT: Final = ("EndpointName", "VariantName")
FIVE_MINUTES: Final = 300


@dataclass(frozen=True)
class Alarm:
    """One alarm that can be defined.

    Args:
        name: Id of its construct.
        key: Where a spec's ``alarms`` give its bound; None where nobody chooses it.
        metric: That it watches.
        statistic: Of the metric, such as ``Average`` or ``p99``.
        unit: Of the bound as the spec has it; the metric's own may be another.
        words: What has happened, with ``{whose}`` and ``{bound}``.
        comparison: When the statistic is on the wrong side of the bound.
        dimensions: The metric's.
        period_seconds: What one datapoint covers.
        periods: How many datapoints are looked at.
        datapoints: How many of them must be on the wrong side; None: all.
        missing: What a period without data says.
        rolls_back: Whether a new fleet that has it is taken back.
        runbook: Name of its page under ``docs/runbooks/``; alarms with the same name on another scope share one.
    """

    name: str
    key: str | None
    metric: str
    statistic: str
    unit: str
    words: str
    runbook: str
    comparison: Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"] = (
        "GreaterThanThreshold"
    )
    dimensions: tuple[str, ...] = VARIANT
    period_seconds: int = 60
    periods: int = 5
    datapoints: int | None = 3
    missing: Literal["notBreaching", "missing"] = "notBreaching"
    rolls_back: bool = False


ERROR_RATE: Final = Alarm(
    "ErrorRate",
    "error_rate",
    "Invocation5XXErrors",
    "Average",
    "None",
    "more than {bound:.2%} of the requests to {whose} end in a 5xx",
    "error-rate",
    rolls_back=True,
)
P99_LATENCY: Final = Alarm(
    "P99Latency",
    "p99_latency_ms",
    "ModelLatency",
    "p99",
    "Milliseconds",
    "99 of 100 answers of {whose} no longer come within {bound:g} ms",
    "p99-latency",
    rolls_back=True,
)
VARIANT_ALARMS: Final = (
    ERROR_RATE,
    P99_LATENCY,
    Alarm(
        "ClientErrorRate",
        "client_error_rate",
        "Invocation4XXErrors",
        "Average",
        "None",
        "more than {bound:.2%} of the requests to {whose} end in a 4xx",
        "client-error-rate",
    ),
    Alarm(
        "ModelErrorRate",
        "model_error_rate",
        "InvocationModelErrors",
        "Average",
        "None",
        "more than {bound:.2%} of the requests to {whose} got no 2xx from the model",
        "model-error-rate",
    ),
    Alarm(
        "Cpu",
        "cpu_percent",
        "CPUUtilization",
        "Average",
        "Percent",
        "the processors of {whose} are busy for more than {bound:g} % of the time",
        "cpu",
    ),
    Alarm(
        "Memory",
        "memory_percent",
        "MemoryUtilization",
        "Average",
        "Percent",
        "the containers of {whose} use more than {bound:g} % of the memory",
        "memory",
    ),
    Alarm(
        "Disk",
        "disk_percent",
        "DiskUtilization",
        "Average",
        "Percent",
        "the containers of {whose} use more than {bound:g} % of the disk",
        "disk",
    ),
    Alarm(
        "Gpu",
        "gpu_percent",
        "GPUUtilization",
        "Average",
        "Percent",
        "the GPUs of {whose} are busy for more than {bound:g} % of the time",
        "gpu",
    ),
    Alarm(
        "GpuMemory",
        "gpu_memory_percent",
        "GPUMemoryUtilization",
        "Average",
        "Percent",
        "the containers of {whose} use more than {bound:g} % of the GPUs' memory",
        "gpu-memory",
    ),
    Alarm(
        "ColdStart",
        "cold_start_ms",
        "ModelSetupTime",
        "Average",
        "Milliseconds",
        "a new container of {whose} takes more than {bound:g} ms to start",
        "cold-start",
        period_seconds=FIVE_MINUTES,  # cold starts are rare: minutes with one seldom follow each other
        periods=1,
        datapoints=None,
    ),
    Alarm(
        "Concurrency",
        "concurrency_share",
        "ServerlessConcurrentExecutionsUtilization",
        "Maximum",
        "None",
        "{whose} answers more than {bound:.0%} of its max_concurrency at once, beyond which requests are throttled",
        "concurrency",
    ),
    Alarm(
        "LoadingWait",
        "loading_wait_ms",
        "ModelLoadingWaitTime",
        "Average",
        "Milliseconds",
        "requests to {whose} wait for more than {bound:g} ms until their model is loaded",
        "loading-wait",
    ),
    Alarm(
        "CacheHitRate",
        "cache_hit_rate",
        "ModelCacheHit",
        "Average",
        "None",
        "fewer than {bound:.2%} of the requests to {whose} find their model loaded",
        "cache-hit-rate",
        comparison="LessThanThreshold",
    ),
)
"""Of one fleet; those of them that the kind publishes, the spec bounds, and the machine has parts for."""

COMPONENT_ALARMS: Final = tuple(
    replace(
        alarm,
        dimensions=("InferenceComponentName",),
        metric=f"{alarm.metric}Normalized" if alarm.unit == "Percent" else alarm.metric,
    )
    for alarm in VARIANT_ALARMS
    if alarm.name
    in {"ErrorRate", "P99Latency", "ClientErrorRate", "ModelErrorRate", "Cpu", "Memory", "Gpu", "GpuMemory"}
)
"""Of one inference component; what it uses is measured against what it reserved."""

NO_CAPACITY: Final = Alarm(
    "NoCapacity",
    None,
    "NoCapacityInvocationFailures",
    "Sum",
    "None",
    "requests to {whose} are refused because no copy is there",
    "no-capacity",
    dimensions=("InferenceComponentName",),
)
"""Of a component that keeps copies; one that may sleep is woken up by the same metric."""

OLDEST_REQUEST: Final = Alarm(
    "OldestRequest",
    "oldest_request_seconds",
    "ApproximateAgeOfOldestRequest",
    "Maximum",
    "Seconds",
    "the oldest request has waited for more than {bound} s",
    "oldest-request",
    dimensions=("EndpointName",),
)
FAILED_REQUESTS: Final = tuple(
    Alarm(
        metric,
        "failed_requests",
        metric,
        "Sum",
        "Count",
        f"more than {{bound}} requests {words} within five minutes",
        runbook,
        period_seconds=FIVE_MINUTES,
        periods=1,
        datapoints=None,
    )
    for metric, words, runbook in (
        ("InvocationFailures", "failed", "invocation-failures"),
        ("ExpiredRequests", "left the queue unanswered", "expired-requests"),
    )
)
BACKLOG_ALARMS: Final = (OLDEST_REQUEST, *FAILED_REQUESTS)
"""Of an asynchronous endpoint: the queue knows no variant, what became of requests does."""

WAKE_UP: Final = Alarm(
    "WakeUpAlarm",
    None,
    "HasBacklogWithoutCapacity",
    "Average",
    "Count",
    "requests wait and no instance is there",
    "wake-up",
    comparison="GreaterThanOrEqualToThreshold",
    dimensions=("EndpointName",),
    periods=1,
    datapoints=None,
    missing="missing",
)
COMPONENT_WAKE_UP: Final = Alarm(
    "WakeUpAlarm",
    None,
    "NoCapacityInvocationFailures",
    "Sum",
    "None",
    "requests to {whose} were refused because no copy is there",
    "wake-up",
    comparison="GreaterThanOrEqualToThreshold",
    dimensions=("InferenceComponentName",),
    periods=1,
    datapoints=None,
    missing="missing",
)
WAKE_UPS: Final = (WAKE_UP, COMPONENT_WAKE_UP)
"""They call a scaling policy, and nobody else."""

ROLLBACK_RUNBOOK: Final = "rollback"
UNHEALTHY_RUNBOOK: Final = "unhealthy"


def alarms() -> tuple[Alarm, ...]:
    """Every alarm that can be defined, but for those that watch a new fleet and the one over all of an endpoint."""
    return (*VARIANT_ALARMS, *COMPONENT_ALARMS, NO_CAPACITY, *BACKLOG_ALARMS, *WAKE_UPS)


def runbooks() -> frozenset[str]:
    """The page of every alarm that can be defined."""
    return frozenset({ROLLBACK_RUNBOOK, UNHEALTHY_RUNBOOK, *(alarm.runbook for alarm in alarms())})
