"""A model on the fleets of an environment, as its servers are told to hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.catalog import instance_types
from slipway.fit import fit, options_of
from slipway.fit.fleets import fleets
from slipway.specs import UsageError
from slipway.specs.artifact import Artifact

if TYPE_CHECKING:
    from slipway.fit import Fit, Model
    from slipway.fit.fleets import Fleet
    from slipway.specs import Project


@dataclass(frozen=True)
class Placed:
    """A model on one fleet.

    Args:
        fleet: With its hours.
        fit: The arithmetic of one machine; None where the server cannot serve it there, or too little is known.
        reason: Why not.
    """

    fleet: Fleet
    fit: Fit | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {**self.fleet.as_dict(), "fit": None if self.fit is None else self.fit.as_dict(), "reason": self.reason}


def placed(project: Project, environment: str, name: str, model: Model) -> list[Placed]:
    """Put a model onto every fleet of an environment that hosts it.

    Args:
        project: Whose endpoints they are.
        environment: Its name.
        name: Of the model.
        model: Its facts.

    Raises:
        UsageError: If it is none of the project's models, or there is no such environment.
    """
    if name not in project.lock.models:
        raise UsageError(f"'{name}' was not built in this project, so that none of its fleets hosts it")
    deployment = project.deployment(environment, with_artifacts=False)
    locked = project.lock.models[name]
    artifact = Artifact(name, locked, project.artifact_folder(name, locked.digest))
    found = [fleet for endpoint, spec in deployment.endpoints.items() for fleet in fleets(endpoint, spec, name)]
    return [_judged(fleet, artifact, model) for fleet in found]


def _judged(fleet: Fleet, artifact: Artifact, model: Model) -> Placed:
    machine, server = instance_types()[fleet.instance_type], fleet.server
    for _, message in server.problems(artifact, machine):
        return Placed(fleet, None, message)
    told = {**server.variables(artifact, machine), **server.told_in_files(artifact, machine)}
    judged = fit(model, options_of(told), machine)
    return Placed(fleet, judged, "" if judged is not None else f"too little is known of {model.name} on this machine")
