"""Who wakes a fleet, or a component, that has nothing running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.alarming import calling_is_seen
from slipway.preflight.scaling_policies import callers_of, is_step, policies_of, registering_is_seen
from slipway.preflight.values import is_known
from slipway.preflight.watching import CUSTOM, watched_by

if TYPE_CHECKING:
    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Resource, Template
    from slipway.preflight.watching import Watch

WAKE: Final = frozenset({"HasBacklogWithoutCapacity", "NoCapacityInvocationFailures"})
"""What is published while nothing runs: that requests wait, or were refused."""
BACKLOG: Final = frozenset({"ApproximateBacklogSize", "ApproximateBacklogSizePerInstance"})


def calls_of(template: Template, policy: Resource) -> list[Watch]:
    """Return what the alarms that call a policy watch."""
    alarms = callers_of(template, policy)
    return [watch for alarm in alarms for watch in watched_by(template).get(alarm.logical_id, [])]


def wakes(template: Template, policy: Resource) -> bool:
    """Return whether a policy is called by what is published while nothing runs."""
    return any(watch.name in WAKE for watch in calls_of(template, policy) if isinstance(watch.name, str))


def follows_backlog(template: Template, target: Place) -> bool:
    """Return whether a policy of a target tracks, or is called by, the backlog."""
    policies = policies_of(template, target)
    tracked = [watch for policy in policies for watch in watched_by(template).get(policy.logical_id, [])]
    called = [watch for policy in policies for watch in calls_of(template, policy)]
    return any(watch.name in BACKLOG for watch in [*tracked, *called] if isinstance(watch.name, str))


def is_clear(template: Template, target: Place) -> bool:
    """Return whether it is known what calls every policy of a target; other rules speak where it is broken."""
    policies = policies_of(template, target)
    seen = calling_is_seen(template) and registering_is_seen(template)
    return seen and bool(policies) and all(_is_clear(template, policy) for policy in policies)


def _is_clear(template: Template, policy: Resource) -> bool:
    if is_step(policy):
        watched = calls_of(template, policy)
        alarms = callers_of(template, policy)
        return bool(alarms) and len({watch.resource.logical_id for watch in watched}) == len(alarms) and _sound(watched)
    custom = policy.at(*CUSTOM)
    if custom is not None and not isinstance(custom, dict):
        return False
    watched = watched_by(template).get(policy.logical_id, [])
    return _sound(watched) and (custom is None or bool(watched))


def _sound(watched: list[Watch]) -> bool:
    return all(watch.fault is None and isinstance(watch.name, str) and is_known(watch.name) for watch in watched)
