"""What answers for LMI where there is no vLLM: transformers on the CPU, one rank, one request after the other.

Only the clean-room host runs it; it is no part of any archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from textgen import Handler, Loaded, Ranks
from transformers import AutoModelForCausalLM, AutoTokenizer

if TYPE_CHECKING:
    from djl_python import Input, Output

_TYPES = {"fp32": torch.float32, "float32": torch.float32, "fp16": torch.float16, "float16": torch.float16}
_TYPES |= {"half": torch.float16, "bf16": torch.bfloat16, "bfloat16": torch.bfloat16}


def load(properties: dict[str, str]) -> Loaded:
    """Load a model's files; what compressed-tensors packed is unpacked as they are read."""
    folder = properties["model_id"]
    dtype = _TYPES.get(properties.get("dtype", "auto"), "auto")
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **given)
    tokenizer = AutoTokenizer.from_pretrained(folder, **given)
    most = properties.get("max_model_len") or getattr(model.config, "max_position_embeddings", None)
    return Loaded(model.eval(), tokenizer, Ranks(0, 0, 1), None if most is None else int(most), torch.device("cpu"))


_handler = Handler(load)


def handle(inputs: Input) -> Output | None:
    """Answer one request."""
    return _handler(inputs)
