"""One conformance suite for every server of models: what SageMaker's contract asks, each check able to fail."""

from slipway.operations.conform.check import Check, Need
from slipway.operations.conform.checks import checks
from slipway.operations.conform.compare import difference
from slipway.operations.conform.departures import DEPARTURES, Departure, departures_of
from slipway.operations.conform.door import Door, Example, HttpDoor
from slipway.operations.conform.endpoint_door import EndpointDoor
from slipway.operations.conform.process import Process
from slipway.operations.conform.run import OUTCOMES, Report, Result, run
from slipway.operations.conform.subject import Subject
from slipway.operations.conform.wire import Address

__all__ = [
    "DEPARTURES",
    "OUTCOMES",
    "Address",
    "Check",
    "Departure",
    "Door",
    "EndpointDoor",
    "Example",
    "HttpDoor",
    "Need",
    "Process",
    "Report",
    "Result",
    "Subject",
    "checks",
    "departures_of",
    "difference",
    "run",
]
