"""What the pipelines of a transformers cannot load or do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys

_NEWEST: Final = "2.6.0-transformers5.5.3"
_OLDER: Final = "2.6.0-transformers4.51.3"
_ENDED: Final = {"text2text-generation": 5}
"""Pipelines, and the transformers in which they are no more. Source: SUPPORTED_TASKS of 4.51.3 and 5.5.3."""


def pipeline_problems(artifact: Artifact, version: str, task: str) -> Iterator[tuple[Keys, str]]:
    """Say why no pipeline in an image goes on with a language model's files.

    Args:
        artifact: The built model.
        version: Of the image.
        task: Of the pipeline.
    """
    here = _major(version.partition("transformers")[2])
    wrote = _written_by(artifact.archive)
    if here >= (ended := _ENDED.get(task, here + 1)):
        mend = f"write 'version: {_OLDER}'" if wrote < ended else "add a 'script' of your own, or remove the key"
        yield ("task",), f"transformers {here} has no pipeline '{task}': {mend}"
    if wrote > here:
        # Seen with 4.51.3: no TokenizersBackend, and rope_parameters passed over, so that other tokens are the likely.
        said = f"transformers {here} misreads what transformers {wrote} wrote, which '{artifact.model}' is"
        yield ("version",), f"{said}: write 'version: {_NEWEST}'"
    language = artifact.locked.language
    if language is not None and language.facts.quantization is not None:
        why = f"the weights of '{artifact.model}' are quantised, and the image has no package that reads them"
        yield (), f"{why}: use server: lmi, or build it with 'llm: {{precision: bf16}}'"


def _written_by(folder: Path) -> int:
    """Return the transformers that wrote a model's files; 0 where they are not here, or do not say."""
    config, tokenizer = _read(folder / "config.json"), _read(folder / "tokenizer_config.json")
    named = _major(str(config.get("transformers_version", "")))
    return max(named, 5 if tokenizer.get("tokenizer_class") == "TokenizersBackend" else 0)


def _read(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_bytes()) if file.is_file() else {}
    return found if isinstance(found, dict) else {}


def _major(version: str) -> int:
    word = version.partition(".")[0]
    return int(word) if word.isdigit() else 0
