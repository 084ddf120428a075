"""Which weights of a checkpoint belong to linear layers, as transformers builds the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_build.checkpoint import Checkpoint

EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")


@dataclass(frozen=True)
class Linears:
    """Names of layers.

    Args:
        quantized: Those that are to be.
        ignored: Those that keep their type: the head.
    """

    quantized: list[str]
    ignored: list[str]


def linear_layers(checkpoint: Checkpoint) -> Linears | str:
    """Return the linear layers of a checkpoint, or why they cannot be told.

    The model is built without its weights, which takes no memory.
    """
    if any(checkpoint.config.get(key) for key in EXPERTS):
        return "it is a mixture of experts, whose weights are quantised by no recipe here: use 'as-is' or 'bf16'"
    model = _hollow(checkpoint)
    head = model.get_output_embeddings()
    found = Linears([], [])
    for name, layer in model.named_modules():
        if type(layer).__name__ == "Linear":
            (found.ignored if layer is head else found.quantized).append(name)
    for name in found.quantized:
        kept = checkpoint.tensors.get(f"{name}.weight")
        if kept is None or kept.shape != tuple(model.get_submodule(name).weight.shape):
            return f"it names its weights otherwise than transformers does ('{name}.weight' is not there): use 'as-is'"
    return found if found.quantized else "it has no linear layer that transformers calls so: use 'as-is' or 'bf16'"


def _hollow(checkpoint: Checkpoint) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    builder: Any = AutoModelForCausalLM
    with torch.device("meta"):
        return builder.from_config(config, trust_remote_code=False)
