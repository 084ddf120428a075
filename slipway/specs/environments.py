"""Reading ``environments/*.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs.environment import EnvironmentSpec
from slipway.specs.errors import SpecError, UsageError
from slipway.specs.files import named_files
from slipway.specs.reader import read
from slipway.specs.suggest import did_you_mean
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from slipway.specs.document import Document
    from slipway.specs.errors import Problem


def environment_document(root: Path, name: str) -> Document:
    """Read one environment's file.

    Raises:
        UsageError: If it has none.
    """
    files = named_files(root, "environments")
    if name not in files:
        known = f"known: {', '.join(files)}" if files else "write one under environments/"
        raise UsageError(f"environment '{name}' has no file{did_you_mean(name, files)} ({known})")
    return read(files[name], f"environments/{name}.yaml")


def twin_problems(
    root: Path, name: str, environment: EnvironmentSpec, document: Document, endpoints: Collection[str]
) -> list[Problem]:
    """Find environments that would fight with this one over the names of endpoints; broken ones have their own say."""
    problems = []
    for other in named_files(root, "environments"):
        if other == name or (spec := _readable(root, other)) is None:
            continue
        if (spec.account, spec.region) != (environment.account, environment.region):
            continue
        if spec.name_prefix == environment.name_prefix:
            message = f"shares account and region with '{other}': give one of them another name_prefix"
            problems.append(document.problem(("account",), message))
        elif both := _names(environment, endpoints) & _names(spec, endpoints):
            message = f"would name an endpoint '{min(both)}', and so would '{other}' in the same account and region"
            problems.append(document.problem(("name_prefix",), f"{message}: give one of them another name_prefix"))
    return problems


def _names(environment: EnvironmentSpec, endpoints: Collection[str]) -> set[str]:
    return {environment.name_prefix + name for name in endpoints if name not in environment.leave_out}


def _readable(root: Path, name: str) -> EnvironmentSpec | None:
    try:
        spec: EnvironmentSpec = validate(environment_document(root, name), EnvironmentSpec)
    except SpecError:
        return None
    return spec
