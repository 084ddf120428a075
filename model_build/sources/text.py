"""How a folder's texts become tokens and its tokens vectors: from the folder, or from ``model.yaml``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.sources.origin import Origin

KNOWN: Final = ("Transformer", "Pooling", "Normalize")
NO_LIMIT: Final = 1_000_000
"""Tokenizers that know no limit say 10^30."""


@dataclass(frozen=True)
class Text:
    """What a sentence embedder needs beside its weights."""

    tokenizer_file: Path
    pooling: Literal["mean", "cls"]
    normalize: bool
    max_length: int

    @classmethod
    def of(cls, origin: Origin, folder: Path) -> Text:
        """Put together what the folder and ``model.yaml`` say.

        Raises:
            SpecError: If neither says it, or they say two things.
        """
        source, tokenizer = origin.source, tokenizer_file(origin, folder)
        said = _sentence_transformer(origin, folder)
        longest = said.get("max_length") or _longest(folder)
        return cls(
            tokenizer,
            _one(origin, "pooling", said.get("pooling"), source.pooling),
            _one(origin, "normalize", said.get("normalize"), source.normalize, otherwise=True),
            _one(origin, "max_length", longest if source.max_length is None else None, source.max_length),
        )


def tokenizer_file(origin: Origin, folder: Path) -> Path:
    """Return the fast tokenizer's file."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise origin.problem("has no tokenizer.json: save the fast tokenizer beside the weights")
    return file


def longest(origin: Origin, folder: Path) -> int:
    """Return how many tokens a text has at most, as ``model.yaml`` says, or else the folder.

    Raises:
        SpecError: If neither says it.
    """
    asked = origin.source.max_length
    return int(_one(origin, "max_length", _longest(folder) if asked is None else None, asked))


def _one(origin: Origin, key: str, folder: Any, spec: Any, *, otherwise: Any = None) -> Any:
    if folder is not None and spec is not None and folder != spec:
        raise origin.problem(f"is {spec}, the folder says {folder}: remove the key", key)
    found = next((value for value in (folder, spec, otherwise) if value is not None), None)
    if found is None:
        raise origin.problem(f"required key '{key}' is missing: the folder does not say it", "")
    return found


def _sentence_transformer(origin: Origin, folder: Path) -> dict[str, Any]:
    """Return what modules.json and the files that it names say; nothing where there is none."""
    file = folder / "modules.json"
    if not file.is_file():
        return {}
    try:
        modules = [(str(one["type"]), str(one["path"])) for one in json.loads(file.read_bytes())]
    except (ValueError, TypeError, KeyError):
        raise origin.problem("modules.json cannot be read") from None
    names = [kind.rsplit(".", 1)[-1] for kind, _ in modules]
    if names[:2] != ["Transformer", "Pooling"] or names[2:] not in ([], ["Normalize"]):
        raise origin.problem(f"modules.json names {', '.join(names)}, accepted: {', '.join(KNOWN)}: use 'python'")
    strange = next((kind for kind, _ in modules if not kind.startswith("sentence_transformers.")), None)
    if strange is not None:
        raise origin.problem(f"modules.json names {strange}, which is not sentence-transformers' own: use 'python'")
    pooling = _pooling(origin, _json(folder / modules[1][1] / "config.json"))
    longest = _json(folder / modules[0][1] / "sentence_bert_config.json").get("max_seq_length")
    return {"pooling": pooling, "normalize": "Normalize" in names, "max_length": longest}


def _pooling(origin: Origin, said: dict[str, Any]) -> str:
    """Return the one way of pooling that is switched on, in the older or the newer spelling."""
    older = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    on = [key for key, value in said.items() if key.startswith("pooling_mode_") and value is True]
    mode = said.get("pooling_mode", older.get(on[0]) if len(on) == 1 else None)
    if mode not in ("mean", "cls"):
        raise origin.problem(f"pools by {mode or ', '.join(on) or 'nothing'}, accepted: mean or cls: use 'python'")
    return str(mode)


def _longest(folder: Path) -> int | None:
    limit = _json(folder / "tokenizer_config.json").get("model_max_length")
    places = _json(folder / "config.json").get("max_position_embeddings")
    known = [int(one) for one in (limit, places) if isinstance(one, int | float) and 0 < one < NO_LIMIT]
    return min(known, default=None)


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def embed_each(text: Text, tokens: Callable[[np.ndarray, np.ndarray], np.ndarray], texts: list[str]) -> np.ndarray:
    """Return the vectors of texts asked one by one, so that nothing of it depends on padding.

    Args:
        text: How.
        tokens: From ids and mask, each (1, length), to token vectors (1, length, width).
        texts: What.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(text.tokenizer_file))
    tokenizer.enable_truncation(text.max_length)
    tokenizer.no_padding()
    answers = []
    for one in texts:
        ids = np.asarray([tokenizer.encode(one).ids], np.int64)
        vectors = tokens(ids, np.ones_like(ids))[0].astype(np.float32)
        answers.append(vectors.mean(axis=0) if text.pooling == "mean" else vectors[0])
    found = np.stack(answers)
    return found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12) if text.normalize else found
