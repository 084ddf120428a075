from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from model_build.source import TensorTransform, TextEmbedder
from model_build.sources import data
from model_build.sources.onnx_module import OnnxModule
from model_build.sources.onnx_weights import require_whole
from model_build.sources.pretrained import classifier
from model_build.sources.text import Text, embed_each

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.source import Original
    from model_build.sources.origin import Origin


def read(origin: Origin, file: Path) -> Original:
    """Return an ONNX file as the original: what it answers in ONNX Runtime, in its own precision, is what counts.

    Raises:
        SpecError: If it cannot be loaded, reaches for files elsewhere, or does not fit the task.
    """
    require_whole(origin, file)
    try:
        module = OnnxModule(file)
    except MemoryError:
        raise
    except Exception as error:  # the runtime's own exceptions share no base
        raise origin.problem(f"cannot be loaded: {str(error).splitlines()[0]}") from error
    readers = {
        "sentence-embedding": _embedder,
        "image-classification": _classifier,
        "transformation": _transformation,
    }
    if origin.spec.task not in readers:
        raise origin.problem(f"cannot be read for {origin.spec.task}: use 'python'")
    return readers[origin.spec.task](origin, file, module)


def _embedder(origin: Origin, file: Path, module: OnnxModule) -> TextEmbedder:
    known = ("input_ids", "attention_mask", "token_type_ids")
    if not {"input_ids", "attention_mask"} <= set(module.takes) <= set(known):
        raise origin.problem(f"takes {', '.join(module.takes)}, accepted: {', '.join(known)}")
    _require_types(origin, module, "int64")
    text = Text.of(origin, file.parent)
    return TextEmbedder(
        module=module,
        tokenizer_file=text.tokenizer_file,
        max_length=text.max_length,
        pooling=text.pooling,
        normalize=text.normalize,
        inputs=tuple(name for name in known if name in module.takes),
        reference=partial(embed_each, text, _tokens_of(module)),
    )


def _tokens_of(module: OnnxModule) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def tokens(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return module.answer({name: feeds[name] for name in module.takes})

    return tokens


def _classifier(origin: Origin, file: Path, module: OnnxModule) -> Original:  # noqa: ARG001  as the others
    _require_one_input(origin, module)
    if origin.source.labels is None:
        raise origin.problem("required key 'labels' is missing: an ONNX file does not name its classes", "")
    return classifier(origin, module, origin.source.labels)


def _transformation(origin: Origin, file: Path, module: OnnxModule) -> TensorTransform:  # noqa: ARG001  as the others
    _require_one_input(origin, module)
    held_out = data.read(origin).held_out
    return TensorTransform(module=module, input_shape=held_out.shape[1:], held_out=held_out)


def _require_one_input(origin: Origin, module: OnnxModule) -> None:
    if len(module.takes) != 1:
        raise origin.problem(f"takes {', '.join(module.takes)}, accepted: one input for {origin.spec.task}")
    _require_types(origin, module, "float32")


def _require_types(origin: Origin, module: OnnxModule, wanted: str) -> None:
    wrong: Any = next(((name, kind) for name, kind in module.takes.items() if kind != wanted), None)
    if wrong is not None:
        raise origin.problem(f"input '{wrong[0]}' is {wrong[1]}, accepted: {wanted} for {origin.spec.task}")
