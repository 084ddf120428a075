"""CloudWatch's embedded metric format: a line of the log that CloudWatch turns into metrics.

Source: Amazon CloudWatch's user guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from serving import log
from serving.metrics import METRICS, UNITS, Minute

if TYPE_CHECKING:
    from collections.abc import Callable

    from serving.settings import Settings


async def report(settings: Settings, load: Callable[[], tuple[int, int]]) -> None:
    """Write a line for each interval, for ever; cancelled, one more for what is left.

    Args:
        settings: Say how often, and under which namespace and dimensions.
        load: Tells how many requests are in flight and how many wait.
    """
    try:
        while True:
            await asyncio.sleep(settings.emf_seconds)
            write(settings, *load())
    finally:
        write(settings, *load())


def write(settings: Settings, in_flight: int, queued: int) -> None:
    """Write the line of what has come since the last."""
    minute, METRICS.minute = METRICS.minute, Minute()
    log.write_metrics(document(settings, minute, in_flight, queued))


def document(settings: Settings, minute: Minute, in_flight: int, queued: int) -> dict[str, Any]:
    """Return the document of one interval; without requests it has no latency, for there is none."""
    values: dict[str, Any] = {
        "Requests": minute.requests,
        "ClientErrors": minute.client_errors,
        "ServerErrors": minute.server_errors,
        "InFlight": in_flight,
        "QueueLength": queued,
    }
    if minute.seconds:
        values["Latency"] = [round(seconds * 1000, 3) for seconds in minute.seconds]
    directive = {
        "Namespace": settings.emf_namespace,
        "Dimensions": [list(settings.emf_dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    described = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": described, **settings.emf_dimensions, **values}
