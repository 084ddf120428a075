"""Creates, updates and deletes inference components, on the emulator's event loop as all of hosting."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from .fleet import FleetError
from .hosting import give_up
from .traffic import Traffic

if TYPE_CHECKING:
    from .component import Component
    from .hosting import Hosting

_log = logging.getLogger("slipway.local_cloud")

NO_CAPACITY: Final = "NoCapacityInvocationFailures"


class ComponentHosting:
    """The inference components of this cloud.

    Args:
        hosting: The endpoints that they are on.
    """

    def __init__(self, hosting: Hosting) -> None:
        self.store = hosting.store
        self._hosting = hosting

    def create(self, component: Component) -> None:
        """Record a component and start its copies."""
        self.store.at(component.place).components[component.name] = component
        component.work = asyncio.create_task(self._create(component))

    def update(self, component: Component, specification: dict[str, Any], copies: int) -> None:
        """Start to bring in another specification, or another number of copies; the old copies answer meanwhile.

        Args:
            component: One in service.
            specification: What its copies shall run.
            copies: How many there shall be.
        """
        component.become("Updating")
        component.work = asyncio.create_task(self._update(component, specification, copies))

    def delete(self, component: Component) -> None:
        """Start to delete a component, giving up whatever is under way; requests in flight are answered first."""
        component.become("Deleting")
        component.work = asyncio.create_task(self._delete(component, component.work))

    def refused(self, component: Component) -> None:
        """Count a request that no copy could take, which is what wakes a sleeping component up."""
        self._hosting.meter.of_component(component.place, component.name, NO_CAPACITY, 1)

    async def _create(self, component: Component) -> str | None:
        try:
            await self._bring_in(component, component.specification, component.copies)
        except FleetError as error:
            _log.warning("inference component %s failed: %s", component.name, error)
            component.become("Failed", str(error))
            return str(error)
        component.become("InService")
        return None

    async def _update(self, component: Component, specification: dict[str, Any], copies: int) -> str | None:
        wanted, component.copies = component.copies, copies
        try:
            if specification == component.specification:
                await self._resize(component, copies)
            else:
                await self._bring_in(component, specification, copies)
        except FleetError as error:
            _log.warning("update of inference component %s failed: %s", component.name, error)
            component.copies = wanted
            component.become("InService", str(error))
            return str(error)
        component.specification = specification
        component.become("InService")
        return None

    async def _delete(self, component: Component, work: asyncio.Task[str | None] | None) -> str | None:
        await give_up(component, work)
        await self._end(component)
        known = self.store.at(component.place).components
        if known.get(component.name) is component:
            del known[component.name]
        return None

    async def _bring_in(self, component: Component, specification: dict[str, Any], copies: int) -> None:
        if copies == 0:
            await self._end(component)
            return
        fleet = await self._hosting.started(component, component.config(specification, copies))
        if component.traffic is None:
            component.traffic = Traffic(fleet)
        else:
            await self._hosting.shift(component, fleet)

    async def _resize(self, component: Component, copies: int) -> None:
        if component.fleet is None or copies == 0:
            await self._bring_in(component, component.specification, copies)
        else:
            component.fleet.variants[component.variant_name].count = copies

    async def _end(self, component: Component) -> None:
        fleet, component.traffic = component.fleet, None
        if fleet is not None:
            await fleet.drain()
