"""What this cloud does by itself, once a second: read gauges, publish metrics, judge alarms, scale."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from . import ministack_cloudwatch as cloudwatch
from .metrics import HOSTS, INVOCATIONS

if TYPE_CHECKING:
    from .alarms import Alarms
    from .caretaker import Caretaker
    from .gauges import Gauges
    from .metrics import Metrics
    from .scaler import Scaler

_log = logging.getLogger("slipway.local_cloud")
_BEAT_SECONDS: Final = 1.0
_HOST_BEATS: Final = 10
_PRUNE_BEATS: Final = 60


class Heartbeat:
    """Beats as long as the cloud lives.

    Args:
        gauges: Read at every beat, hosts at every tenth.
        metrics: Published at every beat.
        alarms: Judged at every beat, after the metrics.
        scaler: Applies scaling policies at every beat, to the alarms as they are then.
        caretaker: Looks after the servers at every beat.
    """

    def __init__(self, gauges: Gauges, metrics: Metrics, alarms: Alarms, scaler: Scaler, caretaker: Caretaker) -> None:
        self._gauges = gauges
        self._metrics = metrics
        self._alarms = alarms
        self._scaler = scaler
        self._caretaker = caretaker

    async def run(self) -> None:
        """Beat until cancelled; a beat that fails is logged and the next one comes."""
        cloudwatch.keep_points_in_order()
        cloudwatch.evaluate_alarms_with(self._alarms.judge)
        number = 0
        while True:
            try:
                await self._beat(number)
            except Exception:  # noqa: BLE001  the next beat must come, whatever this one met
                _log.exception("a heartbeat failed")
            await asyncio.sleep(_BEAT_SECONDS)
            number += 1

    async def _beat(self, number: int) -> None:
        if number % _HOST_BEATS == 0:
            await self._gauges.read_hosts()
        if number % _PRUNE_BEATS == 0:
            cloudwatch.prune((INVOCATIONS, HOSTS))
        self._gauges.read_queues()
        self._metrics.publish()
        self._alarms.judge_all()
        self._scaler.scale_all()
        self._caretaker.look_after()
