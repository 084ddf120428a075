"""What SageMaker publishes though nobody asks: how full queues are, how busy machines are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import psutil

from .metrics import HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .component import Component
    from .endpoint import Endpoint
    from .meter import Meter
    from .records import Store
    from .variant import Variant

_MEBI: Final = 1024 * 1024


class Gauges:
    """Reads this cloud's queues and machines.

    One process stands for a whole fleet and this machine for each of its instances: what is published of a host is what
    the process really uses of it.

    Args:
        store: Holds the endpoints.
        meter: Takes what is read.
        disk: On the disk that holds the models.
    """

    def __init__(self, store: Store, meter: Meter, disk: Path) -> None:
        self._store = store
        self._meter = meter
        self._disk = disk
        self._processes: dict[int, psutil.Process] = {}

    def read_queues(self) -> None:
        """Note what waits, and what is in work, at every endpoint."""
        for endpoint, variants in self._in_service():
            if "AsyncInferenceConfig" in variants[0].config.request:
                self._read_backlog(endpoint, variants[0])
                continue
            for variant in variants:
                self._read_concurrency(endpoint, variant)
        for component in self._store.components():
            if component.fleet is not None:
                self._read_copies(component, component.fleet.variants[component.variant_name])

    async def read_hosts(self) -> None:
        """Note what every server process uses of its machine; a process that is new has no CPU figure yet."""
        running = [
            (endpoint, variant, variant.pids)
            for endpoint, variants in self._in_service()
            for variant in variants
            if variant.pids
        ]
        alive = {pid for _, _, pids in running for pid in pids}
        self._processes = {pid: process for pid, process in self._processes.items() if pid in alive}
        for endpoint, variant, pids in running:
            used = await asyncio.to_thread(self._used, pids, variant)
            for name, percent in used.items():
                self._meter.of_host(endpoint, variant, name, percent, HOSTS)

    def _in_service(self) -> Iterator[tuple[Endpoint, list[Variant]]]:
        for endpoint in self._store.endpoints():
            if endpoint.fleet is not None and endpoint.fleet.hosts_components:
                continue  # nothing runs there but components
            if endpoint.traffic is not None:
                fleets = (endpoint.traffic.current, endpoint.traffic.incoming)
                yield endpoint, [variant for fleet in fleets if fleet is not None for variant in fleet.all()]

    def _read_backlog(self, endpoint: Endpoint, variant: Variant) -> None:
        size, oldest = (0, None) if endpoint.backlog is None else (endpoint.backlog.size, endpoint.backlog.oldest)
        age = 0.0 if oldest is None else time.time() - oldest
        self._meter.of_endpoint(endpoint, "ApproximateBacklogSize", size, "Count")
        # A guess: what AWS divides by while there is no instance is not documented.
        self._meter.of_endpoint(endpoint, "ApproximateBacklogSizePerInstance", size / max(1, variant.count), "Count")
        self._meter.of_endpoint(endpoint, "ApproximateAgeOfOldestRequest", age, "Seconds")
        self._meter.of_endpoint(endpoint, "HasBacklogWithoutCapacity", int(size > 0 and variant.count == 0), "Count")

    def _read_concurrency(self, endpoint: Endpoint, variant: Variant) -> None:
        busy, serverless = variant.in_flight, variant.settings.get("ServerlessConfig")
        if serverless is None:
            # Each instance would have its share of what the one process has here.
            self._meter.of_variant(endpoint, variant, "ConcurrentRequestsPerModel", busy / max(1, variant.count))
        elif (provisioned := serverless.get("ProvisionedConcurrency", 0)) > 0:
            name = "ServerlessProvisionedConcurrency"
            self._meter.of_variant(endpoint, variant, f"{name}Executions", busy, unit="Count")
            self._meter.of_variant(endpoint, variant, f"{name}Utilization", busy / provisioned)

    def _read_copies(self, component: Component, variant: Variant) -> None:
        each = variant.in_flight / max(1, variant.count)
        self._meter.of_component(component.place, component.name, "ConcurrentRequestsPerCopy", each)

    def _used(self, pids: list[int], variant: Variant) -> dict[str, float]:
        with contextlib.suppress(psutil.Error):  # one may end at any moment
            known = [pid for pid in pids if pid in self._processes]
            processes = [self._processes.setdefault(pid, psutil.Process(pid)) for pid in pids]
            busy = sum(process.cpu_percent() for process in processes)  # of a new one it measures from here on
            if (serverless := variant.settings.get("ServerlessConfig")) is not None:
                used_bytes = sum(process.memory_info().rss for process in processes)
                return {"MemoryUtilization": 100 * used_bytes / (serverless["MemorySizeInMB"] * _MEBI)}
            memory = sum(process.memory_percent() for process in processes)
            used = {"MemoryUtilization": memory, "DiskUtilization": psutil.disk_usage(str(self._disk)).percent}
            return {**used, "CPUUtilization": busy} if known == pids else used
        return {}
