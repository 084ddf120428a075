"""Reading ``models/*/model.yaml``, each checked against the others and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.specs.files import model_files, name_problems, suffix_problems
from slipway.specs.gather import Problems
from slipway.specs.model import ModelSpec
from slipway.specs.reader import read
from slipway.specs.suggest import did_you_mean
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.specs.document import Document
    from slipway.specs.errors import Problem


def read_models(root: Path) -> tuple[dict[str, ModelSpec], Problems]:
    """Return the models that are right by name, and what is wrong with the others."""
    files, problems = model_files(root), Problems()
    problems.add(name_problems(root, files) + suffix_problems(root, "models/*/model.yml"))
    reading = _Reading(root, files, {}, {})
    for name, path in files.items():
        document = problems.attempt(read, path, f"models/{name}/model.yaml")
        spec = None if document is None else problems.attempt(validate, document, ModelSpec)
        if document is not None and spec is not None:
            reading.documents[name], reading.specs[name] = document, spec
    problems.add(problem for name in reading.specs for problem in reading.source_problems(name))
    return reading.specs, problems


@dataclass
class _Reading:
    root: Path
    files: dict[str, Path]
    specs: dict[str, ModelSpec]
    documents: dict[str, Document]

    def source_problems(self, name: str) -> Iterator[Problem]:
        document, owner = self.documents[name], self.specs[name].source.model
        if owner is None:
            yield from self._missing_files(name, name)
        elif owner == name:
            yield document.problem(
                ("source", "model"), f"'{owner}' is this model itself: name another, or use 'python'"
            )
        elif owner not in self.files:
            message = f"'{owner}' has no model.yaml under models/{did_you_mean(owner, self.files)}"
            yield document.problem(("source", "model"), message)
        elif owner in self.specs and (other := self.specs[owner].source.model) is not None:
            message = f"'{owner}' takes its source from another model: name '{other}'"
            yield document.problem(("source", "model"), message)
        elif owner in self.specs:
            yield from self._missing_files(name, owner)

    def _missing_files(self, name: str, owner: str) -> Iterator[Problem]:
        spec, folder = self.specs[name], self.root / "models" / owner
        python = None if spec.source.python is None else spec.source.python.split(":", maxsplit=1)[0]
        calibrate = None if spec.calibrate is None else spec.calibrate.data
        named = {("source", "python"): python, ("verify", "data"): spec.verify.data, ("calibrate", "data"): calibrate}
        for path, file in named.items():
            if file is not None and not (folder / file).is_file():
                yield self.documents[name].problem(path, f"models/{owner}/{file} does not exist")
