"""Reading ``endpoints/*.yaml`` as one environment has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.specs.endpoint import AnyEndpoint, EndpointSpec
from slipway.specs.errors import Problem
from slipway.specs.files import name_problems, named_files, suffix_problems
from slipway.specs.front_rules import front_problems
from slipway.specs.gather import Problems
from slipway.specs.merge import overlay
from slipway.specs.placement import placement_problems
from slipway.specs.reader import read
from slipway.specs.suggest import did_you_mean
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from slipway.specs.base import Keys
    from slipway.specs.document import Document
    from slipway.specs.environment import EnvironmentSpec


_TAKEN = {"build": "that models are built by", "shared": "that all endpoints use"}
"""Names of an environment's own stacks, with what they are."""


class Endpoints:
    """Every endpoint of one environment, with where each value was written.

    Args:
        root: Of the project.
        place: The environment's file.
        environment: What it says; None where it is broken, so that only its overrides can be used.
        models: Names of the models that have a file.
    """

    def __init__(
        self, root: Path, place: Document, environment: EnvironmentSpec | None, models: Collection[str]
    ) -> None:
        self.specs: dict[str, AnyEndpoint] = {}
        self.documents: dict[str, Document] = {}
        self._place, self._environment, self._models = place, environment, models
        self._files = named_files(root, "endpoints")
        self.problems = Problems()
        self.problems.add(name_problems(root, self._files) + suffix_problems(root, "endpoints/*.yml"))
        self.problems.add(self._taken_name())
        self.problems.add(self._unknown_names())
        for name, path in self._files.items():
            if name not in (() if environment is None else environment.leave_out):
                self._read(name, path)

    def _read(self, name: str, path: Path) -> None:
        document = self.problems.attempt(read, path, f"endpoints/{path.name}")
        if document is None:
            return
        if isinstance(self._overrides().get(name), dict):
            document = overlay(document, self._place, ("endpoints", name))
        spec = self.problems.attempt(validate, document, EndpointSpec)
        if spec is None:
            return
        self.problems.add(self._unknown_models(spec, document))
        if self._environment is not None:
            self.problems.add(placement_problems(spec, document, self._environment))
            self.problems.add(front_problems(name, spec.front, document, self._environment))
        self.specs[name], self.documents[name] = spec, document

    def _overrides(self) -> dict[str, Any]:
        data = self._place.data.get("endpoints") if isinstance(self._place.data, dict) else None
        return data if isinstance(data, dict) else {}

    def _taken_name(self) -> Iterator[Problem]:
        for name, what in _TAKEN.items():
            if name in self._files:
                message = f"'{name}' is the name of the stack {what}: choose another"
                yield Problem(f"endpoints/{name}.yaml", 0, "", message)

    def _unknown_names(self) -> Iterator[Problem]:
        if self._environment is None:
            return
        named: list[tuple[Keys, str]] = [(("endpoints", name), name) for name in self._environment.endpoints]
        listed: list[tuple[Keys, str]] = [
            (("leave_out", index), name) for index, name in enumerate(self._environment.leave_out)
        ]
        for path, name in (*named, *listed):
            if name not in self._files:
                hint = did_you_mean(name, self._files)
                yield self._place.problem(path, f"'{name}' has no file under endpoints/{hint}")

    def _unknown_models(self, spec: AnyEndpoint, document: Document) -> Iterator[Problem]:
        for dotted, model in spec.hosted_models():
            if model not in self._models:
                message = f"'{model}' has no model.yaml under models/{did_you_mean(model, self._models)}"
                yield document.problem(keys(dotted), message)


def keys(dotted: str) -> tuple[str | int, ...]:
    """Turn ``variants.0.model`` into a path."""
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))
