"""Everything that one environment deploys, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.specs.architecture import architecture_problems, server_problems
from slipway.specs.chain import chain_problems
from slipway.specs.compiled import neo_problems
from slipway.specs.document import Document
from slipway.specs.endpoints import Endpoints
from slipway.specs.environment import EnvironmentSpec
from slipway.specs.environments import environment_document, twin_problems
from slipway.specs.files import model_files, name_problems, named_files, suffix_problems
from slipway.specs.placement import size_problems
from slipway.specs.staying import location_problems
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from slipway.specs.artifact import Artifact
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.errors import Problem
    from slipway.specs.gather import Problems
    from slipway.specs.task import Task


@dataclass(frozen=True)
class Deployment:
    """Everything that one environment deploys, checked against each other.

    Args:
        name: Of the environment.
        environment: Where it goes.
        endpoints: By the name of their file.
        artifacts: Each model that an endpoint names, as locked.
    """

    name: str
    environment: EnvironmentSpec
    endpoints: dict[str, AnyEndpoint]
    artifacts: dict[str, Artifact]


def read_deployment(
    root: Path,
    name: str,
    problems: Problems,
    tasks: Mapping[str, Task],
    find: Callable[[Iterable[str]], dict[str, Artifact]],
) -> Deployment:
    """Read the environment, every endpoint and every artifact that they name.

    Args:
        root: Of the project.
        name: Of the environment.
        problems: What is wrong with the models; reported with the rest.
        tasks: What the models that are right do.
        find: Gives the artifacts of these models, as far as there are any.

    Raises:
        SpecError: With every problem of all these files.
        UsageError: If the environment has no file.
    """
    document = problems.attempt(environment_document, root, name)
    environment = None if document is None else problems.attempt(validate, document, EnvironmentSpec)
    document = Document(f"environments/{name}.yaml", {}) if document is None else document
    endpoints = Endpoints(root, document, environment, model_files(root))
    problems.add(endpoints.problems.found)
    problems.add(_folder_problems(root))
    if environment is not None:
        problems.add(twin_problems(root, name, environment, document, named_files(root, "endpoints")))
    artifacts = find({model for spec in endpoints.specs.values() for _, model in spec.hosted_models()})
    for endpoint, spec in endpoints.specs.items():
        problems.add(size_problems(spec, endpoints.documents[endpoint], artifacts))
        problems.add(architecture_problems(spec, endpoints.documents[endpoint], artifacts))
        if environment is not None:
            problems.add(server_problems(spec, endpoints.documents[endpoint], environment))
        problems.add(neo_problems(spec, endpoints.documents[endpoint], artifacts))
        problems.add(location_problems(spec, endpoints.documents[endpoint], artifacts, environment))
        problems.add(chain_problems(spec, endpoints.documents[endpoint], tasks))
    problems.refuse()
    assert environment is not None  # noqa: S101  refused above otherwise
    return Deployment(name, environment, endpoints.specs, artifacts)


def _folder_problems(root: Path) -> list[Problem]:
    return name_problems(root, named_files(root, "environments")) + suffix_problems(root, "environments/*.yml")
