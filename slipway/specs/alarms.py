"""When endpoints are unwell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from slipway.catalog import instance_types
from slipway.specs.base import Findings, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.specs.base import Keys

Share = Annotated[float, Field(gt=0, lt=1)]
Percent = Annotated[float, Field(gt=0, lt=100)]
_A_SHARE = "it is a share of the requests, so that 0.01 is one in a hundred"
_OF_ALL = "it is a share of the whole machine, however many processors or GPUs it has"
_NOT_COLD = "only serverless endpoints start cold: remove the key"
_NOT_SHARED = "only serverless endpoints have a max_concurrency: remove the key"
_NO_QUEUE = "only asynchronous endpoints have a queue: remove the key"
_NO_CACHE = "only multi-model endpoints load models while they serve: remove the key"
_NO_HOST = "of a serverless endpoint's machine only the memory is measured: remove the key"
_SERVERLESS = {"cold_start_ms": _NOT_COLD, "concurrency_share": _NOT_SHARED}
_QUEUE = {"oldest_request_seconds": _NO_QUEUE, "failed_requests": _NO_QUEUE}
_CACHE = {"loading_wait_ms": _NO_CACHE, "cache_hit_rate": _NO_CACHE}
_GPU_KEYS = ("gpu_percent", "gpu_memory_percent")


class AnswerAlarms(Spec):
    """How requests must be answered; ``error_rate`` and ``p99_latency_ms`` also roll a deployment back."""

    reasons: ClassVar[dict[str, str]] = {
        "error_rate": _A_SHARE,
        "client_error_rate": _A_SHARE,
        "p99_latency_ms": "SageMaker ends a request after 60 s",
    }

    error_rate: Share = 0.05
    """Share of requests that end in a 5xx, over 0 and under 1. Source: the metric's Average is a 0-1 rate."""
    p99_latency_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    """99th percentile of the model's own latency in milliseconds; absent: latency is not watched."""
    client_error_rate: Share | None = None
    """Share of requests that end in a 4xx; absent: callers' errors are not watched."""


class HostAlarms(Spec):
    """How full a machine may get: shares of the whole machine, averaged over the fleet."""

    reasons: ClassVar[dict[str, str]] = dict.fromkeys(
        ("cpu_percent", "memory_percent", "disk_percent", "gpu_percent", "gpu_memory_percent"), _OF_ALL
    )

    cpu_percent: Percent | None = None
    """Of all processors together, whatever their number; absent: a busy fleet is no reason for alarm."""
    memory_percent: Percent = 90
    """Of the machine's memory; beyond it containers are ended."""
    disk_percent: Percent = 80
    """Of the machine's disk; when it is full, data capture pauses and models no longer load."""
    gpu_percent: Percent | None = None
    """Of all GPUs together; only where the machine has some. Absent: a busy GPU is no reason for alarm."""
    gpu_memory_percent: Percent | None = None
    """Of all GPUs' memory together; only where the machine has some. Absent: not watched, since many servers take most
    of it when they start."""


class Alarms(AnswerAlarms, HostAlarms):
    """When the endpoint is unwell; ``error_rate`` and ``p99_latency_ms`` also roll a deployment back."""

    impossible: ClassVar[dict[str, str]] = {**_SERVERLESS, **_QUEUE, **_CACHE}
    reasons: ClassVar[dict[str, str]] = {
        **AnswerAlarms.reasons,
        **HostAlarms.reasons,
        "model_error_rate": _A_SHARE,
    }

    model_error_rate: Share | None = None
    """Share of requests that the container did not answer with a 2xx, its callers' errors included; absent: not
    watched."""


class MultiModelAlarms(Alarms):
    """When the endpoint is unwell; ``error_rate`` and ``p99_latency_ms`` also roll a deployment back."""

    impossible: ClassVar[dict[str, str]] = {**_SERVERLESS, **_QUEUE}
    reasons: ClassVar[dict[str, str]] = {
        **Alarms.reasons,
        "cache_hit_rate": _A_SHARE,
        "loading_wait_ms": "SageMaker ends a request after 60 s",
    }

    loading_wait_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    """How long requests may wait, on average, until their model is loaded; absent: not watched."""
    cache_hit_rate: Share | None = None
    """Least share of requests that must find their model loaded; absent: not watched."""


class ServerlessAlarms(AnswerAlarms):
    """When the endpoint is unwell."""

    impossible: ClassVar[dict[str, str]] = {
        **_QUEUE,
        **_CACHE,
        **dict.fromkeys(("cpu_percent", "disk_percent", "gpu_percent", "gpu_memory_percent"), _NO_HOST),
        "model_error_rate": "no model errors are counted of a serverless endpoint: choose 'error_rate'",
    }
    reasons: ClassVar[dict[str, str]] = {
        **AnswerAlarms.reasons,
        "memory_percent": _OF_ALL,
        "cold_start_ms": "SageMaker gives a container 180 s to start",
        "concurrency_share": "it is a share of max_concurrency, so that 0.9 is nine of ten",
    }

    memory_percent: Percent = 90
    """Of the container's memory; beyond it the container is ended."""
    cold_start_ms: Annotated[float, Field(gt=0, le=180_000)] | None = None
    """How long new containers may take to start, on average over five minutes; absent: not watched."""
    concurrency_share: Share | None = None
    """Share of ``max_concurrency`` that may be in use; absent: requests are throttled without an alarm."""


class AsyncAlarms(AnswerAlarms, HostAlarms):
    """When the endpoint is unwell; ``error_rate`` and ``p99_latency_ms`` also roll a deployment back."""

    impossible: ClassVar[dict[str, str]] = {
        **_SERVERLESS,
        **_CACHE,
        "model_error_rate": "no model errors are counted of an asynchronous endpoint: choose 'failed_requests'",
    }
    reasons: ClassVar[dict[str, str]] = {
        **AnswerAlarms.reasons,
        **HostAlarms.reasons,
        "p99_latency_ms": "SageMaker ends an asynchronous request after an hour",
        "oldest_request_seconds": "a request leaves the queue after six hours at the latest",
    }

    p99_latency_ms: Annotated[float, Field(gt=0, le=3_600_000)] | None = None
    """99th percentile of the model's own latency in milliseconds; absent: latency is not watched."""
    oldest_request_seconds: Annotated[int, Field(ge=60, le=21_600)] = 1800
    """How old the oldest waiting request may get; where the fleet may sleep, minutes of it go into waking up."""
    failed_requests: Annotated[int, Field(ge=0, le=1_000_000)] = 5
    """Requests that may fail, or leave the queue unanswered, within five minutes; more is an alarm."""


def check_gpu_alarms(findings: Findings, path: Keys, alarms: HostAlarms, used: Iterable[str]) -> None:
    """Find alarms on GPUs where no machine has any: they could never fire.

    Args:
        findings: Gets them.
        path: Of the alarms.
        alarms: As the spec has them.
        used: Every instance type of the endpoint.
    """
    types = sorted(set(used))
    if any(instance_types()[name].gpus for name in types):
        return
    for key in _GPU_KEYS:
        if getattr(alarms, key) is not None:
            findings.add((*path, key), f"{', '.join(types)} has no GPU: remove the key, or use another type")
