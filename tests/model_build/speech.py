"""What tests of decoders and of encoder-decoders share: texts, forms, and what is said."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch

from model_build.passes.export_decoder import ExportDecoder
from model_build.passes.load import Load
from model_build.passes.verify import Verify
from model_build.work import Work, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from model_build.work import ShapingPass
    from serving.model import Model
    from slipway.specs import Project

TEXTS = ["the red boat goes", "?", "now the small blue car stops fast here", "w7 w8", "slowly there"]


def loaded(project: Project, scratch: Path) -> Work:
    (name,) = project.models
    scratch.mkdir()
    return Load().run(Work.begin(project, name, scratch))


def export(work: Work) -> Work:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about torch
        return ExportDecoder().run(work)


def exported_by(write: Callable[[Path, str], Project], kinds: Iterable[str]) -> Any:
    """Return a fixture, to be called ``exported``: a model of each kind, exported and asked; ``work`` takes it."""

    @pytest.fixture(scope="module", params=sorted(kinds))
    def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Work:
        root = tmp_path_factory.mktemp(request.param)
        return Verify().questioned(export(loaded(write(root, request.param), root / "scratch")))

    return exported


def shaped(work: Work, *steps: ShapingPass) -> Work:
    for step in steps:
        work = step.run(work)
    return Verify().laid_out(work)


def tokens(model: Model, inputs: list[str], **parameters: Any) -> list[list[int]]:
    lines: list[bytes] = []
    present(model.generator).answer(inputs, parameters, lines.append)
    found: list[list[int]] = [[] for _ in inputs]
    for line in map(json.loads, lines):
        if "token" in line:
            found[line["index"]].append(line["token"])
    return found


def greedy_rewriter(original: Any, text: str, most: int) -> list[int]:
    """What transformers' own generate says of an encoder-decoder, to one text at a time."""
    ids = torch.tensor([original.tokenizer().encode(text).ids])
    answer = original.module.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, max_new_tokens=most
    )
    return [token for token in answer[0, 1:].tolist() if token != 1]
