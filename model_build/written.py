"""A checkpoint of what a source's function returns, as transformers writes one."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from model_build.blame import Blame
from model_build.served import as_json
from model_build.work import present

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.text_generator import TextGenerator
    from model_build.work import Work
    from slipway.specs import SpecError


def checkpoint_folder(work: Work) -> Path:
    """Return the folder of a model's checkpoint: the source's own files, or what its function returned, written down.

    Raises:
        SpecError: If the source is wrong.
    """
    from model_build.passes.load import load_original
    from model_build.sources import weights_folder
    from model_build.text_generator import TextGenerator

    if work.source == "":
        return weights_folder(present(work.origin))
    original: Any = load_original(work.source_folder, work.source, TextGenerator, work.origin)
    folder = work.scratch / "checkpoint"
    _write(original, folder, blamed(work))
    return folder


def blamed(work: Work) -> Callable[[str], SpecError]:
    """Return what makes the error for a checkpoint that is wrong, which names its source."""
    if work.source == "":
        return present(work.origin).problem
    return partial(Blame(work.source_folder, work.source.split(":")[0]).problem, 0)


def _write(original: TextGenerator, folder: Path, problem: Callable[[str], SpecError]) -> None:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    module = original.module
    if not isinstance(module, PreTrainedModel):
        raise problem(f"module: {type(module).__name__}, accepted for 'target: llm': a model of transformers")
    ends = original.eos[0] if len(original.eos) == 1 else list(original.eos)
    module.config.eos_token_id = ends
    if module.generation_config is not None:
        module.generation_config.eos_token_id = ends
    module.save_pretrained(folder)
    words = original.tokenizer()
    wrapper: Any = PreTrainedTokenizerFast
    wrapper(
        tokenizer_object=words,
        eos_token=words.id_to_token(original.eos[0]),
        model_max_length=original.context_length,
        chat_template=original.chat_template,
    ).save_pretrained(folder, save_jinja_files=False)
    _name_as_all_do(folder / "tokenizer_config.json")


def _name_as_all_do(file: Path) -> None:
    """Call the tokenizer's class what transformers 4 calls it, which many images hold; 5 knows that name too."""
    said = json.loads(file.read_bytes())
    said["tokenizer_class"] = "PreTrainedTokenizerFast"
    file.write_bytes(as_json(said))
