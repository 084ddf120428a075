"""What is known of a model, as far as its memory goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

BYTES: Final = {"fp32": 4.0, "fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5}
"""A number of each type; int8 is what LMI takes as a dtype as well."""
SIXTEEN_BITS: Final = 2
SPELLINGS: Final = {
    "float": "fp32",
    "float32": "fp32",
    "half": "fp16",
    "float16": "fp16",
    "bfloat16": "bf16",
    "fp8_e4m3": "fp8",
    "fp8_e5m2": "fp8",
}
SCALED: Final = {"fp8": 1.0, "int8": 1.0, "int4": 0.5 + 20 / 8 / 128, "mxfp4": 0.5 + 1 / 32}
"""Bytes a quantised weight: four bits share a 16-bit scale and a 4-bit zero by 128, mxfp4 an 8-bit scale by 32."""
METHODS: Final = {
    **dict.fromkeys(("awq", "gptq", "awq_marlin", "gptq_marlin", "bitsandbytes4", "squeezellm"), "int4"),
    **dict.fromkeys(("bitsandbytes", "bitsandbytes-nf4", "bitsandbytes-fp4"), "int4"),
    **dict.fromkeys(("bitsandbytes8", "eetq", "smoothquant", "dynamicint8", "dynamic_int8"), "int8"),
    "fbgemm_fp8": "fp8",
}
"""How many bits the servers' names for quantisation mean; ``bitsandbytes`` is four in vLLM and LMI, eight in TGI."""


def dtype_of(written: Any) -> str | None:
    """Return a data type in our spelling; None for ``auto`` and what is not known."""
    word = str(written).lower().removeprefix("torch.")
    word = SPELLINGS.get(word, word)
    return word if word in BYTES else None


def quantization_of(written: Any) -> str | None:
    """Return what a name for quantisation makes of a weight; None for what is not known."""
    word = str(written).lower()
    word = METHODS.get(word, word)
    return word if word in SCALED else None


@dataclass(frozen=True)
class Model:
    """A model's facts; None where they are not known.

    Args:
        name: For people.
        parameters: All of them, experts too.
        embedding_parameters: Those of the embedding and the head, which quantisation leaves in 16 bits.
        weight_bytes: Of the stored weights, where these are loaded as they are.
            Default: the parameters times the bytes of their type.
        layers: That keep a KV cache.
        attention_heads: What a tensor-parallel degree must divide.
        kv_heads: Fewer than attention heads under grouped queries.
        head_dim: Of one head.
        latent_dim: What a layer caches per token under multi-head latent attention, on every GPU.
        hidden_size: Of the residual stream.
        intermediate_size: Of a feed-forward layer.
        vocab_size: Of the head; None for an encoder.
        max_tokens: The longest sequence.
        window: How far back a windowed layer looks.
        windowed_layers: How many layers do.
        dtype: Of the weights, unless the server is told otherwise.
        quantization: Of the weights, as in ``SCALED``.
        group_size: How many quantised weights of a row share a scale; what a GPU holds of it must be a multiple.
    """

    name: str = "the model"
    parameters: int | None = None
    embedding_parameters: int = 0
    weight_bytes: int | None = None
    layers: int | None = None
    attention_heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    latent_dim: int | None = None
    hidden_size: int | None = None
    intermediate_size: int | None = None
    vocab_size: int | None = None
    max_tokens: int | None = None
    window: int | None = None
    windowed_layers: int = 0
    dtype: str | None = None
    quantization: str | None = None
    group_size: int | None = None

    @property
    def generates(self) -> bool:
        """Whether it keeps a KV cache."""
        per_token = self.latent_dim if self.latent_dim is not None else (self.kv_heads and self.head_dim)
        return self.layers is not None and per_token is not None


FACTS: Final = frozenset(field.name for field in fields(Model))
