"""The rollouts that ``DeploymentConfig`` describes: how large their steps are, and how long they wait."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import limit
from slipway.preflight.hosting import are_seen, config_of, is_serverless, production
from slipway.preflight.template import ENDPOINT, number, value_at
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

BLUE_GREEN: Final = ("DeploymentConfig", "BlueGreenUpdatePolicy")
ROLLING: Final = ("DeploymentConfig", "RollingUpdatePolicy")
ROUTING: Final = (*BLUE_GREEN, "TrafficRoutingConfiguration")
STEPS: Final = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
"""The size that each way of shifting traffic asks for."""


def shifting(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield every endpoint whose traffic is shifted between two fleets, and how."""
    for endpoint in template.of_kind(ENDPOINT):
        routing = endpoint.at(*ROUTING)
        if isinstance(routing, dict):
            yield endpoint, routing


def shares_out_of_bounds(
    template: Template, sizes: dict[str, str], below: Path
) -> Iterator[tuple[Resource, Path, str]]:
    """Yield the shares of a fleet that AWS does not take: the endpoint, where the share stands, and what is wrong.

    Args:
        template: To look through.
        sizes: The name of each size's limit in the catalogue, by its key.
        below: Where the sizes stand.
    """
    for endpoint in template.of_kind(ENDPOINT):
        for key, name in sizes.items():
            path, bounds = (*below, key), limit(name)
            share = number(endpoint.at(*path, "Value"))
            if endpoint.at(*path, "Type") != "CAPACITY_PERCENT" or share is None:
                continue
            if not (bounds.least or 0) <= share <= (bounds.most or 100):
                accepted = f"{bounds.least} to {bounds.most} are accepted"
                yield endpoint, (*path, "Value"), f"{share:g} percent are given and {accepted}"


def fleet_of(template: Template, endpoint: Resource) -> float | None:
    """Return how many instances the one variant of an endpoint starts with; None where that is not known."""
    config = config_of(template, endpoint)
    variants = [] if config is None else production(template, config)
    if config is None or not are_seen(config) or len(variants) != 1 or is_serverless(variants[0]):
        return None
    return number(variants[0].at("InitialInstanceCount"))


def step_path(endpoint: Resource) -> Path | None:
    """Return where the size of one step stands, if the rollout has steps."""
    if isinstance(endpoint.at(*ROLLING), dict):
        return (*ROLLING, "MaximumBatchSize")
    key = STEPS.get(str(endpoint.at(*ROUTING, "Type")))
    return None if key is None else (*ROUTING, key)


def waits_of(template: Template, endpoint: Resource) -> float | None:
    """Return the least seconds that a rollout waits between and after its steps; None where that is not known.

    The wait after the last step is left out, as AWS's pages do not say whether it counts.
    """
    policy = endpoint.at(*ROLLING) if isinstance(endpoint.at(*ROLLING), dict) else endpoint.at(*BLUE_GREEN)
    routing = value_at(policy, ("TrafficRoutingConfiguration",))
    wait = number(value_at(routing if isinstance(routing, dict) else policy, ("WaitIntervalInSeconds",)))
    steps = _steps(template, endpoint)
    after = value_at(policy, ("TerminationWaitInSeconds",))
    if steps is None or wait is None or isinstance(after, Unknown):
        return None
    return (steps - 1) * wait + (number(after) or 0)


def _steps(template: Template, endpoint: Resource) -> int | None:
    path = step_path(endpoint)
    if path is None:
        return None
    if path[-1] == STEPS["CANARY"]:
        return 2
    size, kind = number(endpoint.at(*path, "Value")), endpoint.at(*path, "Type")
    whole = {"CAPACITY_PERCENT": 100.0, "INSTANCE_COUNT": fleet_of(template, endpoint)}.get(str(kind))
    return None if size is None or whole is None or not 1 <= size <= whole else math.ceil(whole / size)
