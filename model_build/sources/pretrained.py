from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from model_build.source import ImageClassifier, TextEmbedder
from model_build.sources import data
from model_build.sources.text import Text, embed_each, longest, tokenizer_file
from model_build.sources.weights import loading
from model_build.text_generator import TextGenerator
from model_build.text_rewriter import TextRewriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import torch

    from model_build.source import Original
    from model_build.sources.origin import Origin


def read(origin: Origin, folder: Path) -> Original:
    """Return the original of a folder that ``save_pretrained`` wrote.

    Raises:
        SpecError: If the folder does not hold what the task needs.
    """
    readers: dict[str, Callable[[Origin, Path], Original]] = {
        "sentence-embedding": _embedder,
        "image-classification": _classifier,
        "text-generation": _generator,
    }
    if origin.spec.task not in readers:
        raise origin.problem(f"does not say how {origin.spec.task} is done: use 'python' beside it")
    return readers[origin.spec.task](origin, folder)


def _embedder(origin: Origin, folder: Path) -> TextEmbedder:
    text = Text.of(origin, folder)
    module: torch.nn.Module
    if (folder / "modules.json").is_file():
        pipeline, module = _pipeline(origin, folder, text)
        answer: Callable[[list[str]], np.ndarray] = partial(_encode, pipeline)
    else:
        module = _model(origin, folder, "AutoModel")
        answer = partial(embed_each, text, _tokens_of(module))
    return TextEmbedder(
        module=module,
        tokenizer_file=text.tokenizer_file,
        max_length=text.max_length,
        pooling=text.pooling,
        normalize=text.normalize,
        reference=answer,
    )


def _encode(pipeline: Any, texts: list[str]) -> np.ndarray:
    answers: np.ndarray = pipeline.encode(texts, convert_to_numpy=True, show_progress_bar=False)
    return answers


def _pipeline(origin: Origin, folder: Path, text: Text) -> tuple[Any, torch.nn.Module]:
    """Return sentence-transformers' own pipeline and the transformer inside it: the weights are in memory once."""
    from sentence_transformers import SentenceTransformer

    safe = {"use_safetensors": not origin.source.trust or None}
    try:
        pipeline = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs=safe)
    except Exception as error:
        raise loading(origin, error) from error
    pipeline.max_seq_length = text.max_length
    inner: Any = pipeline[0].auto_model
    return pipeline, inner.eval()


def _classifier(origin: Origin, folder: Path) -> ImageClassifier:
    import torch

    class ByKeyword(torch.nn.Module):
        def __init__(self, model: torch.nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, image: torch.Tensor) -> Any:
            return self.model(pixel_values=image).logits

    model = _model(origin, folder, "AutoModelForImageClassification")
    named: dict[int, str] = getattr(model.config, "id2label", {})
    labels = origin.source.labels or tuple(named[place] for place in sorted(named))
    return classifier(origin, ByKeyword(model).eval(), labels)


def classifier(origin: Origin, module: torch.nn.Module, labels: tuple[str, ...]) -> ImageClassifier:
    """Return the classifier with the data that ``model.yaml`` names."""
    import numpy as np

    found = data.read(origin)
    try:
        return ImageClassifier(
            module=module,
            labels=labels,
            image_shape=found.held_out.shape[1:],
            held_out=found.held_out,
            held_out_labels=np.zeros(0, np.int64) if found.labels is None else found.labels,
            calibration=found.calibration,
        )
    except (TypeError, ValueError) as error:
        raise origin.problem(str(error), "") from error


def _generator(origin: Origin, folder: Path) -> TextGenerator:
    rewrites = _has_encoder(origin, folder)
    model = _model(origin, folder, "AutoModelForSeq2SeqLM" if rewrites else "AutoModelForCausalLM")
    kind = partial(TextRewriter, start=_start(origin, model)) if rewrites else TextGenerator
    try:
        return kind(
            module=model,
            tokenizer_file=tokenizer_file(origin, folder),
            context_length=longest(origin, folder),
            eos=_eos(origin, model),
        )
    except (TypeError, ValueError) as error:
        raise origin.problem(str(error), "") from error


def _has_encoder(origin: Origin, folder: Path) -> bool:
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise loading(origin, error) from error
    return bool(getattr(config, "is_encoder_decoder", False))


def _start(origin: Origin, model: Any) -> int:
    start = getattr(model.generation_config, "decoder_start_token_id", None)
    if start is None:
        raise origin.problem("does not say what an answer begins after: write decoder_start_token_id into config.json")
    return int(start)


def _eos(origin: Origin, model: Any) -> tuple[int, ...]:
    """Return the tokens that end a text; one, several, or none are written down."""
    for config in (model.generation_config, model.config):
        said = getattr(config, "eos_token_id", None)
        if said is not None:
            return (said,) if isinstance(said, int) else tuple(said)
    raise origin.problem("does not say which token ends a text: write eos_token_id into generation_config.json")


def _model(origin: Origin, folder: Path, kind: str) -> Any:
    """Load weights as they are, in float32; a pickle's weights alone, and only if it is trusted."""
    import torch
    import transformers

    safe = None if origin.source.trust else True
    try:
        loaded = getattr(transformers, kind).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=safe, dtype=torch.float32
        )
    except Exception as error:
        raise loading(origin, error) from error
    return loaded.eval()


def _tokens_of(module: Any) -> Callable[[Any, Any], np.ndarray]:
    import torch

    def tokens(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            answer = module(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        found: np.ndarray = answer.last_hidden_state.numpy()
        return found

    return tokens
