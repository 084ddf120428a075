"""Reading ``models/*/model.yaml``, each checked against the others and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.specs.base import Findings
from slipway.specs.data import check_data
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
    from slipway.specs.source import Source


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
            findings = Findings()
            check_data(findings, self.specs[name], self.specs[owner].source)
            for path, message in findings.found:
                yield document.problem(path, message)
            yield from self._missing_files(name, owner)

    def _missing_files(self, name: str, owner: str) -> Iterator[Problem]:
        spec, folder = self.specs[name], self.root / "models" / owner
        calibrate = None if spec.calibrate is None else spec.calibrate.data
        handler = None if spec.serve is None else spec.serve.handler
        beside = {("verify", "data"): spec.verify.data, ("calibrate", "data"): calibrate, ("serve", "handler"): handler}
        named = {**beside, **_named(spec.source)}
        for path, file in named.items():
            if file is None:
                continue
            document, found = self.documents[name], folder / file
            if not (found.is_dir() if path[-1] == "huggingface" else found.is_file()):
                mend = " (of the hub's, name a commit: org/name@<40 hexadecimal digits>)" * (path[-1] == "huggingface")
                yield document.problem(path, f"models/{owner}/{file} does not exist{mend}")
            elif not found.resolve().is_relative_to(folder.resolve()):
                yield document.problem(path, f"models/{owner}/{file} is a link out of the folder: copy it there")


def _named(source: Source) -> dict[tuple[str, str], str | None]:
    """Return what lies in the model's folder, by the key that names it."""
    files = {
        "python": None if source.python is None else source.python.split(":", maxsplit=1)[0],
        "huggingface": None if "@" in (source.huggingface or "@") else source.huggingface,
        "onnx": source.onnx,
        "archive": None if (source.archive or "s3://").startswith("s3://") else source.archive,
    }
    return {("source", key): file for key, file in files.items()}
