"""A Slipway project: the folder that holds models, endpoints, environments and ``artifacts.lock``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from slipway.specs.artifact import Artifact, find_artifact
from slipway.specs.files import named_files
from slipway.specs.gather import Problems
from slipway.specs.lock import Lock
from slipway.specs.models import read_models
from slipway.specs.reader import read
from slipway.specs.sources import build_files, files_hash, source_of, sources_hash
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.specs.deployment import Deployment
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.model import ModelSpec
    from slipway.specs.source import Source


class Project:
    """Read what users wrote; every method raises SpecError with all problems that it found.

    Args:
        root: Folder with ``models/``, ``endpoints/``, ``environments/``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def lock_file(self) -> Path:
        """Where the build writes which artifact each model is."""
        return self.root / "artifacts.lock"

    def artifact_folder(self, model: str, digest: str) -> Path:
        """Where an artifact lies: ``artifacts/<model>/<digest>/``."""
        return self.root / "artifacts" / model / digest

    @cached_property
    def models(self) -> dict[str, ModelSpec]:
        """Every model by the name of its folder."""
        specs, problems = self._models
        problems.refuse()
        return specs

    @cached_property
    def lock(self) -> Lock:
        """What the last builds recorded; empty where nothing was built yet."""
        if not self.lock_file.exists():
            return Lock()
        lock: Lock = validate(read(self.lock_file, "artifacts.lock"), Lock)
        return lock

    def source_of(self, model: str) -> tuple[Path, Source]:
        """Return the folder that a model's source and data lie in, and the source itself."""
        return source_of(self.root, self.models, model)

    def sources_hash(self, model: str) -> str:
        """Hash a model's spec and every byte of its folder and its source's, but specs, caches and hidden files."""
        return sources_hash(self.root, self.models, model)

    def files_hash(self, model: str) -> str:
        """Hash what a model's original is made of, whatever its gate and its target say."""
        return files_hash(self.root, self.models, model)

    def build_files(self, model: str) -> list[Path]:
        """Every file that a model is built from, its spec and that of its source's owner among them."""
        return build_files(self.root, self.models, model)

    def environment_names(self) -> list[str]:
        """Every environment that has a file."""
        return list(named_files(self.root, "environments"))

    def environment(self, name: str) -> EnvironmentSpec:
        """Read one environment.

        Raises:
            UsageError: If it has no file.
        """
        from slipway.specs.environment import EnvironmentSpec
        from slipway.specs.environments import environment_document

        spec: EnvironmentSpec = validate(environment_document(self.root, name), EnvironmentSpec)
        return spec

    def deployment(self, name: str, *, with_artifacts: bool = True) -> Deployment:
        """Read and check everything that one environment deploys.

        Args:
            name: Of the environment.
            with_artifacts: False where only what runs already is asked about: then no artifact need be here.

        Raises:
            UsageError: If the environment has no file.
        """
        from slipway.specs.deployment import read_deployment  # a build reads no endpoint, and their specs are many

        problems = Problems()
        problems.add(self._models[1].found)
        tasks = {model: spec.task for model, spec in self._models[0].items()}
        return read_deployment(
            self.root, name, problems, tasks, lambda models: self._artifacts(models, problems) if with_artifacts else {}
        )

    @cached_property
    def _models(self) -> tuple[dict[str, ModelSpec], Problems]:
        return read_models(self.root)

    def _artifacts(self, models: Iterable[str], problems: Problems) -> dict[str, Artifact]:
        """Find the artifacts of those models that are right themselves."""
        lock, specs = problems.attempt(lambda: self.lock), self._models[0]
        broken = {problem.file for problem in problems.found}
        found = {}
        for model in sorted(models):
            if lock is None or model not in specs or f"models/{model}/model.yaml" in broken:
                continue
            if specs[model].source.model not in (None, *specs):
                continue
            sources, folder = sources_hash(self.root, specs, model), self.root / "artifacts" / model
            artifact = problems.attempt(
                find_artifact, model, lock.models.get(model), sources, folder, specs[model].cloud_job
            )
            if artifact is not None:
                found[model] = artifact
        return found
