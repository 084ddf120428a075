"""An AWS on this machine: ``cdk deploy`` and boto3 run unmodified against it, and endpoints answer with real models.

The doors are ``start``, ``running``, ``stop`` and what they return, ``Cloud``.

It is one machine, so one server process answers for a variant's container on all of its instances, and for all copies
of an inference component: instance types, pools and counts are kept and described, never simulated, but a fleet or a
component of none has no process, nor has a serverless variant before its first request and after a pause. What happens
is published as SageMaker's metrics, alarms on them are judged, call updates back and move scaling policies. Scheduled
actions are kept and never act, roles and keys are named and never checked, a queue lives as long as its endpoint. What
it does not do at all, it refuses with "is not modelled in Slipway's local cloud".
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cloud import Cloud, RunningComponent, RunningContainer, RunningEndpoint, RunningVariant
    from .launch import release, running, start, stop

__all__ = [
    "Cloud",
    "RunningComponent",
    "RunningContainer",
    "RunningEndpoint",
    "RunningVariant",
    "release",
    "running",
    "start",
    "stop",
]

_HOMES = {
    "Cloud": "cloud",
    "RunningComponent": "cloud",
    "RunningContainer": "cloud",
    "RunningEndpoint": "cloud",
    "RunningVariant": "cloud",
    "release": "launch",
    "running": "launch",
    "start": "launch",
    "stop": "launch",
}


def __getattr__(name: str) -> Any:
    # Every server process passes through this package to its leash, and needs none of what starts clouds.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
