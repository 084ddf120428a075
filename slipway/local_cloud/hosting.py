"""Creates, updates and deletes endpoints. All of it runs on the emulator's event loop, so nothing needs a lock."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import random
import time
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from . import announce
from .aws import client
from .fleet import Fleet, FleetError, Folders
from .retained import retain
from .rollout import alarm_names, steps, termination_wait_seconds
from .traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .endpoint import Endpoint
    from .meter import Meter
    from .places import Place
    from .records import EndpointConfig, Model, Store

_log = logging.getLogger("slipway.local_cloud")
_WATCH_SECONDS: Final = 1.0
_ALARM_TYPES: Final = ["MetricAlarm", "CompositeAlarm"]


class Hosting:
    """The endpoints of this cloud.

    Args:
        store: Where they are recorded.
        folder: This cloud's own, for models and logs.
        url: Where this cloud answers: archives are fetched from its own S3.
        meter: Notes what becomes of requests.
    """

    def __init__(self, store: Store, folder: Path, url: str, meter: Meter) -> None:
        self.store = store
        self.meter = meter
        self.dice = random.Random()  # noqa: S311  shares out traffic, guards nothing
        self._folder = folder
        self._url = url
        self._numbers = itertools.count(1)

    def create(self, endpoint: Endpoint, config: EndpointConfig) -> None:
        """Record an endpoint and start to bring it into service."""
        self.store.at(endpoint.place).endpoints[endpoint.name] = endpoint
        endpoint.announce = announce.state_change
        announce.state_change(endpoint)
        endpoint.work = asyncio.create_task(self._create(endpoint, config))

    def update(self, endpoint: Endpoint, config: EndpointConfig, params: dict[str, Any]) -> None:
        """Start to replace an endpoint's fleet; the old one answers until the new one is healthy.

        Args:
            endpoint: One in service.
            config: What the new fleet serves.
            params: The ``UpdateEndpoint`` request: what to retain, how to deploy.
        """
        if not params.get("RetainDeploymentConfig", False):
            endpoint.deployment = params.get("DeploymentConfig", {})
        endpoint.become("Updating")
        endpoint.pending = config
        endpoint.work = asyncio.create_task(self._update(endpoint, config, params))

    def delete(self, endpoint: Endpoint) -> None:
        """Start to delete an endpoint, giving up whatever is under way."""
        endpoint.become("Deleting")
        endpoint.work = asyncio.create_task(self._delete(endpoint, endpoint.work))

    async def close(self) -> None:
        """End every server now."""
        for backlog in [endpoint.backlog for endpoint in self.store.endpoints() if endpoint.backlog is not None]:
            backlog.drop()
        everything = [*self.store.endpoints(), *self.store.components()]
        await asyncio.gather(*(give_up(endpoint, endpoint.work) for endpoint in everything))
        fleets = [endpoint.fleet for endpoint in everything if endpoint.fleet is not None]
        await asyncio.gather(*(fleet.stop() for fleet in fleets), return_exceptions=True)

    async def _create(self, endpoint: Endpoint, config: EndpointConfig) -> str | None:
        try:
            fleet = await self.started(endpoint, config)
        except FleetError as error:
            _log.warning("endpoint %s failed: %s", endpoint.name, error)
            endpoint.become("Failed", str(error))
            return str(error)
        endpoint.traffic = Traffic(fleet)
        endpoint.become("InService")
        return None

    async def _update(self, endpoint: Endpoint, config: EndpointConfig, params: dict[str, Any]) -> str | None:
        try:
            fleet = await self.started(endpoint, config)
            retain(endpoint, fleet, params)
            await self.shift(endpoint, fleet)
        except FleetError as error:
            _log.warning("update of endpoint %s failed: %s", endpoint.name, error)
            endpoint.become("InService", str(error))
            return str(error)
        finally:
            endpoint.pending = None
        endpoint.config_name = config.name
        endpoint.become("InService")
        return None

    async def _delete(self, endpoint: Endpoint, work: asyncio.Task[str | None] | None) -> str | None:
        if endpoint.backlog is not None:
            endpoint.backlog.drop()
        await give_up(endpoint, work)
        fleet, endpoint.traffic = endpoint.fleet, None
        if fleet is not None:
            await fleet.drain()
        if endpoint.backlog is not None:
            await endpoint.backlog.finished()
        endpoints = self.store.at(endpoint.place).endpoints
        if endpoints.get(endpoint.name) is endpoint:
            del endpoints[endpoint.name]
        return None

    async def started(self, endpoint: Endpoint, config: EndpointConfig) -> Fleet:
        """Return a new fleet of an endpoint once all of it is healthy.

        Raises:
            FleetError: With SageMaker's reason, if it is not.
        """
        logs = self._folder / "logs" / f"{endpoint.place.account}-{endpoint.place.region}" / endpoint.name
        fleet = Fleet(config, Folders(self._folder / "models" / str(next(self._numbers)), logs))
        await fleet.start(self._models(config), functools.partial(client, self._url, endpoint.place, "s3"))
        for variant in fleet.all():
            for container in variant.containers:
                container.server.on_setup = functools.partial(self.meter.set_up, endpoint, variant)
                if container.library is not None:
                    container.library.on_use = functools.partial(self.meter.model_used, endpoint, variant)
        return fleet

    def _models(self, config: EndpointConfig) -> dict[str, Model]:
        known = self.store.at(config.place).models
        models = {}
        for settings in config.variants:
            if "ModelName" not in settings:  # its models are inference components
                continue
            name = settings["ModelName"]
            if name not in known:
                raise FleetError(f'Could not find model "{config.place.arn("sagemaker", f"model/{name}")}".')
            models[settings["VariantName"]] = known[name]
        return models

    async def shift(self, endpoint: Endpoint, fleet: Fleet) -> None:
        """Move traffic to a new fleet as the deployment config says, and end the old one.

        Raises:
            FleetError: If an alarm calls the new fleet back; the old one has all the traffic then.
        """
        old = endpoint.fleet
        if old is None:
            raise FleetError("the endpoint has no fleet in service to update")
        try:
            for step in steps(endpoint.deployment, sum(variant.count for variant in fleet.variants.values())):
                endpoint.traffic = Traffic(old, fleet, step.percent)
                baking = (
                    f"Baking for {step.wait_seconds} seconds with traffic enabled on {step.percent:g} % of capacity."
                )
                announce.deployment_change(endpoint, fleet, "Baking", baking)
                await self._watch(endpoint, step.wait_seconds)
            endpoint.traffic = Traffic(fleet)
        except BaseException as error:
            endpoint.traffic = Traffic(old)
            if isinstance(error, FleetError):
                endpoint.become("RollingBack", str(error))  # in no time here: the old fleet still stands
                announce.deployment_change(endpoint, fleet, "Deleting", str(error))
            _retire(endpoint, fleet, 0)
            raise
        _retire(endpoint, old, termination_wait_seconds(endpoint.deployment))

    async def _watch(self, endpoint: Endpoint, seconds: float) -> None:
        end = time.monotonic() + seconds
        names = alarm_names(endpoint.deployment)
        while (left := end - time.monotonic()) > 0:
            if names:
                await self._check_alarms(endpoint.place, names)
            await asyncio.sleep(min(left, _WATCH_SECONDS))

    async def _check_alarms(self, place: Place, names: list[str]) -> None:
        def ringing() -> list[str]:
            cloudwatch = client(self._url, place, "cloudwatch")
            found = cloudwatch.describe_alarms(AlarmNames=names, StateValue="ALARM", AlarmTypes=_ALARM_TYPES)
            return [alarm["AlarmName"] for alarm in (*found["MetricAlarms"], *found["CompositeAlarms"])]

        try:
            alarms = await asyncio.to_thread(ringing)
        except (BotoCoreError, ClientError) as error:
            raise FleetError(f"The update was rolled back because its alarms cannot be read: {error}.") from error
        if alarms:
            raise FleetError(f"The update was rolled back because of alarms in state ALARM: {', '.join(alarms)}.")


def _retire(endpoint: Endpoint, fleet: Fleet, seconds: float) -> None:
    task = asyncio.create_task(_drain(fleet, seconds))
    endpoint.retiring.add(task)
    task.add_done_callback(endpoint.retiring.discard)


async def give_up(endpoint: Endpoint, work: asyncio.Task[str | None] | None) -> None:
    """End what is under way; the fleet in service is left as it is."""
    await _cancelled([work] if work is not None else [])
    await _cancelled(list(endpoint.retiring))


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(fleet: Fleet, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
        await fleet.drain()
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError):
            await fleet.stop()
        raise
