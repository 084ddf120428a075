"""Decoders from folders as ``save_pretrained`` writes them: the same original as a function returns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from model_build import TextGenerator
from slipway.specs import Project, SpecError
from tests.model_build.decoders import prompts, write_decoder
from tests.model_build.speech import loaded

if TYPE_CHECKING:
    from pathlib import Path

FROM_FOLDER = """task: text-generation
source: {{huggingface: weights{more}}}
target: cpu-fp32
verify: {{data: prompts.txt, metric: kl_similarity, at_least: 0.98}}
benchmark: {{batch: [1], sequence_length: [8]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder whose weights are those of the seeded Llama."""
    write_decoder(tmp_path, "llama")
    folder = tmp_path / "models" / "llama"
    original: Any = loaded(Project(tmp_path), tmp_path / "first").original
    original.module.save_pretrained(folder / "weights")
    (folder / "tokenizer.json").rename(folder / "weights" / "tokenizer.json")
    (folder / "model.yaml").write_text(FROM_FOLDER.format(more=""))
    (folder / "source.py").unlink()
    return folder


def read(folder: Path) -> TextGenerator:
    found = loaded(Project(folder.parents[1]), folder.parents[1] / "scratch").original
    assert isinstance(found, TextGenerator)
    return found


def test_folder_is_the_same_original(folder: Path, tmp_path: Path) -> None:
    found = read(folder)
    assert (found.context_length, found.eos) == (64, (0,))
    write_decoder(tmp_path / "code", "llama")
    by_code = loaded(Project(tmp_path / "code"), tmp_path / "code" / "scratch").original
    assert by_code is not None
    np.testing.assert_array_equal(found.reference(prompts()[:9]), by_code.reference(prompts()[:9]))


def test_context_is_what_the_spec_says_before_what_the_folder_says(folder: Path) -> None:
    (folder / "model.yaml").write_text(FROM_FOLDER.format(more=", max_length: 40"))
    assert read(folder).context_length == 40


def test_several_tokens_may_end_a_text(folder: Path) -> None:
    file = folder / "weights" / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "eos_token_id": [0, 5]}))
    assert read(folder).eos == (0, 5)


def test_folder_that_says_no_end_is_refused(folder: Path) -> None:
    for name in ("generation_config.json", "config.json"):
        file = folder / "weights" / name
        file.write_text(json.dumps({**json.loads(file.read_bytes()), "eos_token_id": None}))
    with pytest.raises(SpecError, match="does not say which token ends a text: write eos_token_id into"):
        read(folder)


def test_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "weights" / "tokenizer.json").unlink()
    with pytest.raises(SpecError, match=r"has no tokenizer\.json: save the fast tokenizer beside the weights"):
        read(folder)


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    module: Any = read(folder).module
    with torch.no_grad():
        module.lm_head.weight[3, 3] = float("nan")
    module.save_pretrained(folder / "weights")
    (folder.parents[1] / "scratch").rmdir()
    with pytest.raises(SpecError, match="holds NaN or infinity: nothing can be built of it"):
        read(folder)
