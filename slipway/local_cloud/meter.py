"""What SageMaker publishes about requests, from what happens to them here.

Names, units and dimensions are those of "Monitor Amazon SageMaker AI with Amazon CloudWatch" and of its pages on
asynchronous and serverless endpoints, each of which lists all that such an endpoint publishes. What is not measured
here is not published.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from .metrics import INVOCATIONS, Metrics, Series
from .records import ComponentConfig
from .server_process import ServerDownError
from .variant import ContainerError

if TYPE_CHECKING:
    from types import TracebackType

    from .endpoint import Endpoint
    from .places import Place
    from .variant import Variant

US: Final = 1e6
MS: Final = 1e3
_ON_INSTANCES: Final = ("InvocationModelErrors", "InvocationsPerInstance")
_NOT_OF_A_QUEUE: Final = ("Invocations", "OverheadLatency", *_ON_INSTANCES)


class Meter:
    """Turns what happens to requests into metrics.

    Args:
        metrics: Take them until they are published.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def invocation(self, endpoint: Endpoint, variant: Variant) -> Invocation:
        """Return what measures one request, which came now."""
        return Invocation(self, endpoint, variant)

    def of_endpoint(self, endpoint: Endpoint, name: str, value: float, unit: str = "None") -> None:
        """Note a metric that knows no variant."""
        self._metrics.add(Series(endpoint.place, INVOCATIONS, name, unit, (("EndpointName", endpoint.name),)), value)

    def of_variant(self, endpoint: Endpoint, variant: Variant, name: str, value: float, *, unit: str = "None") -> None:
        """Note a metric of a variant, and of its fleet alone, which a rollout's alarms watch.

        What is a variant here may be an inference component, whose metrics go by its name alone.
        """
        if isinstance(variant.config, ComponentConfig):
            self.of_component(endpoint.place, variant.config.name, name, value, unit=unit)
            return
        dimensions = (("EndpointName", endpoint.name), ("VariantName", variant.name))
        for more in ((), (("EndpointConfigName", variant.config.name),)):
            self._metrics.add(Series(endpoint.place, INVOCATIONS, name, unit, (*dimensions, *more)), value)

    def of_component(self, place: Place, component: str, name: str, value: float, *, unit: str = "None") -> None:
        """Note a metric of an inference component."""
        self._metrics.add(Series(place, INVOCATIONS, name, unit, (("InferenceComponentName", component),)), value)

    def set_up(self, endpoint: Endpoint, variant: Variant, seconds: float) -> None:
        """Note how long a container took to start that a request waited for."""
        if "ServerlessConfig" in variant.settings:
            self.of_variant(endpoint, variant, "ModelSetupTime", seconds * US, unit="Microseconds")

    def model_used(self, endpoint: Endpoint, variant: Variant, hit: bool, seconds: float) -> None:  # noqa: FBT001  heard
        """Note whether a request found its model in memory, and else how long it waited (only then: a guess)."""
        self.of_variant(endpoint, variant, "ModelCacheHit", int(hit))
        if not hit:
            self.of_variant(endpoint, variant, "ModelLoadingWaitTime", seconds * US, unit="Microseconds")

    def queued(self, endpoint: Endpoint, variant: Variant, seconds: float) -> None:
        """Note how long an asynchronous request waited for its turn."""
        self.of_variant(endpoint, variant, "TimeInBacklog", seconds * MS, unit="Milliseconds")

    def processed(self, endpoint: Endpoint, variant: Variant, seconds: float) -> None:
        """Note an asynchronous request that got its answer, and how long that took since it came."""
        self.of_variant(endpoint, variant, "InvocationsProcessed", 1, unit="Count")
        self.of_variant(endpoint, variant, "TotalProcessingTime", seconds * MS, unit="Milliseconds")

    def failed(self, endpoint: Endpoint, variant: Variant, *, expired: bool = False) -> None:
        """Note an asynchronous request that failed, or that nobody got to in time."""
        self.of_variant(endpoint, variant, "ExpiredRequests" if expired else "InvocationFailures", 1, unit="Count")

    def of_host(self, endpoint: Endpoint, variant: Variant, name: str, percent: float, namespace: str) -> None:
        """Note how busy a variant's machine is."""
        dimensions = (("EndpointName", endpoint.name), ("VariantName", variant.name))
        self._metrics.add(Series(endpoint.place, namespace, name, "Percent", dimensions), percent)


class Invocation:
    """One request: the ``with`` block is all that happens to it, from ``asked`` on at the model's server.

    A server that is down or too slow counts as its 5xx.
    """

    def __init__(self, meter: Meter, endpoint: Endpoint, variant: Variant) -> None:
        self._meter = meter
        self._endpoint = endpoint
        self._variant = variant
        self._received = time.perf_counter()
        self._asked: float | None = None

    def __enter__(self) -> Self:
        return self

    def asked(self) -> None:
        """Note that the server is asked now: what went before is overhead."""
        self._asked = time.perf_counter()
        self._use()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, (ServerDownError, ContainerError)):
            self._note(error)

    def _note(self, error: BaseException | None) -> None:
        now, failed = time.perf_counter(), error is not None
        refused = isinstance(error, ContainerError) and 400 <= error.status < 500  # noqa: PLR2004  what HTTP calls it
        self._count("Invocations", 1)
        self._count("Invocation4XXErrors", int(refused))
        self._count("Invocation5XXErrors", int(failed and not refused))
        self._count("InvocationModelErrors", int(failed))
        self._count("InvocationsPerInstance", 1 / max(1, self._variant.count))
        if self._asked is not None:
            self._count("ModelLatency", (now - self._asked) * US, unit="Microseconds")
            self._count("OverheadLatency", (self._asked - self._received) * US, unit="Microseconds")

    def _use(self) -> None:
        serverless = self._variant.settings.get("ServerlessConfig")
        if serverless is None:
            return
        # This request is not at the server yet, and so not among those in flight.
        running, provisioned = self._variant.in_flight + 1, serverless.get("ProvisionedConcurrency", 0)
        self._count("ServerlessConcurrentExecutionsUtilization", running / serverless["MaxConcurrency"])
        if provisioned > 0:
            kind = "Invocations" if running <= provisioned else "SpilloverInvocations"
            self._count(f"ServerlessProvisionedConcurrency{kind}", 1, unit="Count")

    def _count(self, name: str, value: float, *, unit: str = "None") -> None:
        if name in _NOT_OF_A_QUEUE and "AsyncInferenceConfig" in self._variant.config.request:
            return
        if name in _ON_INSTANCES and "ServerlessConfig" in self._variant.settings:
            return
        if name == "InvocationsPerInstance" and isinstance(self._variant.config, ComponentConfig):
            name = "InvocationsPerCopy"
        self._meter.of_variant(self._endpoint, self._variant, name, value, unit=unit)
