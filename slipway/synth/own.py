"""The templates of a project's own environments, synthesised to be looked at."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slipway.preflight.assembly import PLUGIN, stacks_of
from slipway.specs import HostError
from slipway.synth.cdk import WITHOUT_VALIDATOR, Cdk, into, last_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slipway.preflight.source import Source
    from slipway.specs import Deployment, Project


def own_templates(project: Project, environments: Sequence[str], say: Callable[[str], None]) -> list[Source]:
    """Return every template of these environments, each environment synthesised beside the others.

    Args:
        project: Whose.
        environments: By name.
        say: Told what is worth knowing besides.

    Raises:
        SpecError: If what users wrote is wrong, before any synth.
        HostError: If a synth fails for another reason than what validators found.
    """
    deployments = [project.deployment(name) for name in environments]
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as threads:

        def synthesised(deployment: Deployment) -> list[Source]:
            return _synthesised(project, deployment, Path(scratch) / deployment.name, say)

        return [source for found in threads.map(synthesised, deployments) for source in found]


def _synthesised(project: Project, deployment: Deployment, folder: Path, say: Callable[[str], None]) -> list[Source]:
    log = folder.with_suffix(".log")
    command = f"npx cdk synth -c environment={deployment.name}"
    done = Cdk(project.root, WITHOUT_VALIDATOR, into(log)).try_synth(deployment.name, folder)
    if not done and not (folder / "validation-report.json").is_file():
        raise HostError("\n  ".join([f"`{command}` failed, last:", *last_words(log)]))
    for plugin in _refusing(folder) if not done else ():
        say(f"{deployment.name}: {plugin} refuses it besides, as `{command}` says")
    return [source.of_project(_file(deployment, source), deployment.name) for source in stacks_of(folder)]


def _refusing(folder: Path) -> Iterator[str]:
    """Yield the validators besides preflight that stopped a synth."""
    report = json.loads((folder / "validation-report.json").read_bytes())
    for each in report["pluginReports"]:
        if each["conclusion"] == "failure" and each["pluginName"] != PLUGIN:
            yield each["pluginName"]


def _file(deployment: Deployment, source: Source) -> str:
    """Return what a reader would change, relative to the project."""
    endpoint = (source.place.stack or "").removeprefix(f"slipway-{deployment.name}-")
    found = endpoint in deployment.endpoints
    return f"endpoints/{endpoint}.yaml" if found else f"environments/{deployment.name}.yaml"
