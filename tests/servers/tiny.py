"""Tiny seeded language models, and what they say unsharded."""

from __future__ import annotations

import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

from slipway.specs import Archive, LockedModel, files_sha256
from slipway.specs.artifact import Artifact
from slipway.specs.seen import seen_in
from tests.model_build.language import save_tokenizer
from tests.servers.hosted import CONTAINERS

if TYPE_CHECKING:
    from pathlib import Path

_SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 64,
    "max_position_embeddings": 128,
}
_CLASSES: dict[str, Any] = {
    "llama": (LlamaForCausalLM, LlamaConfig, {"num_key_value_heads": 2}),
    "neox": (GPTNeoXForCausalLM, GPTNeoXConfig, {}),
}


@cache
def model(family: str) -> Any:
    """Return a model that has seen nothing: its weights are large enough for its answers to differ."""
    kind, config, more = _CLASSES[family]
    torch.manual_seed(3)
    return kind(config(**_SHAPE, **more, initializer_range=0.4, eos_token_id=None, bos_token_id=None)).eval()


def save(family: str, folder: Path) -> Path:
    """Write a model's files, in float32."""
    model(family).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def handled(folder: Path, server: str, properties: str) -> Path:
    """Put a handler and its properties beside a model's files, as the layout of a server does."""
    shutil.copy(CONTAINERS / "djl" / f"model_{server.removeprefix('djl-')}.py", folder / "model.py")
    shutil.copytree(CONTAINERS / "djl" / "textgen", folder / "textgen", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "serving.properties").write_text(properties)
    return folder


def artifact(family: str, folder: Path) -> Artifact:
    """Return its files as a build for ``target: llm`` leaves them."""
    save(family, folder)
    locked = LockedModel(
        archive=Archive(
            sha256=files_sha256(folder, seen_in(folder)),
            size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
        ),
        benchmark=(),
        digest="cd" * 32,
        layout="prefix",
        metric="next_token_agreement",
        recipe="keep_weights",
        reference_bytes=1,
        sources="ef" * 32,
        target="llm",
        value=1.0,
    )
    return Artifact(family, locked, folder)


def greedy(family: str, prompt: list[int], steps: int) -> list[tuple[int, list[float]]]:
    """Return each new token of the unsharded model, with the log-likelihood of every token of the vocabulary.

    It reads the whole text anew for each, without a cache.
    """
    found, text = [], list(prompt)
    for _ in range(steps):
        with torch.inference_mode():
            likely = torch.log_softmax(model(family)(input_ids=torch.tensor([text])).logits[0, -1], dim=-1)
        text.append(int(likely.argmax()))
        found.append((text[-1], likely.tolist()))
    return found
