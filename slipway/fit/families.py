"""How each family of transformers is built. Source: transformers 5.23; tests count what it builds itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Flag = bool | tuple[str, bool]
"""Always so, or as a key of the config says, with what its absence means."""


@dataclass(frozen=True)
class Family:
    """How one ``model_type`` is built.

    Args:
        norms: In each layer.
        norm_bias: Whether a norm has a bias (LayerNorm) or not (RMSNorm).
        embedding_norms: Of the embedding; one norm more closes the stack if ``closing_norm``.
        closing_norm: After the last layer.
        gated: Whether the feed-forward layer has a third matrix.
        qkv_bias: Of the projections into the attention.
        out_bias: Of the projection out of it.
        mlp_bias: Of the feed-forward layer.
        qk_norm: Whether queries and keys are normalised by head.
        sinks: Whether every head learns a sink.
        positions: How many position embeddings there are beyond ``max_position_embeddings``; None: none is learned.
        tied: Whether the head is the embedding, where the config does not say.
        head: Whether there is one; an encoder has none.
        head_bias: Whether the head has a bias.
        pooler: Whether an encoder has one.
        token_types: Whether an encoder embeds types of tokens.
        expert_bias: Whether experts and their router have biases.
        window_every: Which layers look back through a window: all but every n-th; 1: all of them; 0: none.
        needs: Further keys that must be there.
    """

    norms: int = 2
    norm_bias: bool = False
    embedding_norms: int = 0
    closing_norm: bool = True
    gated: bool = True
    qkv_bias: Flag = False
    out_bias: Flag = False
    mlp_bias: Flag = False
    qk_norm: bool = False
    sinks: bool = False
    positions: int | None = None
    tied: bool = False
    head: bool = True
    head_bias: bool = False
    pooler: bool = False
    token_types: bool = False
    expert_bias: bool = False
    window_every: int = 0
    needs: tuple[str, ...] = ()


BIASED: Final[dict[str, Any]] = {
    "norm_bias": True,
    "gated": False,
    "qkv_bias": True,
    "out_bias": True,
    "mlp_bias": True,
}
ENCODER: Final[dict[str, Any]] = BIASED | {
    "embedding_norms": 1,
    "closing_norm": False,
    "positions": 0,
    "head": False,
}
GATED: Final[tuple[str, ...]] = ("intermediate_size",)
ATTENTION_BIAS: Final = ("attention_bias", False)
MOE: Final = (*GATED, "num_key_value_heads")
LATENT: Final = ("kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", *GATED)

FAMILIES: Final = {
    "llama": Family(qkv_bias=ATTENTION_BIAS, out_bias=ATTENTION_BIAS, mlp_bias=("mlp_bias", False), needs=GATED),
    "mistral": Family(window_every=1, needs=GATED),
    "mixtral": Family(window_every=1, needs=(*MOE, "experts")),
    "qwen2": Family(qkv_bias=True, needs=GATED),
    "qwen2_moe": Family(qkv_bias=("qkv_bias", True), needs=(*MOE, "experts", "moe_intermediate_size")),
    "qwen3": Family(qkv_bias=ATTENTION_BIAS, out_bias=ATTENTION_BIAS, qk_norm=True, needs=(*GATED, "head_dim")),
    "qwen3_moe": Family(
        qkv_bias=ATTENTION_BIAS, out_bias=ATTENTION_BIAS, qk_norm=True, needs=(*MOE, "experts", "head_dim")
    ),
    "gemma": Family(tied=True, needs=(*GATED, "head_dim")),
    "gemma2": Family(norms=4, tied=True, window_every=2, needs=(*GATED, "head_dim")),
    "gemma3_text": Family(norms=4, qk_norm=True, tied=True, window_every=6, needs=(*GATED, "head_dim")),
    "phi3": Family(window_every=1, needs=GATED),
    "phi": Family(norms=1, head_bias=True, **BIASED, needs=GATED),
    "gpt2": Family(positions=0, tied=True, **BIASED),
    "gpt_bigcode": Family(positions=0, tied=True, **BIASED),
    "gpt_neo": Family(
        norm_bias=True,
        gated=False,
        out_bias=True,
        mlp_bias=True,
        positions=0,
        tied=True,
        needs=("max_position_embeddings",),
    ),
    "gptj": Family(norms=1, norm_bias=True, gated=False, mlp_bias=True, head_bias=True),
    "gpt_neox": Family(**BIASED, needs=GATED),
    "opt": Family(positions=2, tied=True, **BIASED, needs=GATED),
    "bloom": Family(embedding_norms=1, tied=True, **BIASED),
    "falcon": Family(
        **BIASED | {"qkv_bias": ("bias", False), "out_bias": ("bias", False), "mlp_bias": ("bias", False)}, tied=True
    ),
    "starcoder2": Family(tied=True, **BIASED, needs=GATED),
    "stablelm": Family(norm_bias=True, qkv_bias=("use_qkv_bias", False), needs=GATED),
    "gpt_oss": Family(
        qkv_bias=True,
        out_bias=True,
        sinks=True,
        expert_bias=True,
        window_every=2,
        needs=(*MOE, "experts", "head_dim"),
    ),
    "deepseek_v2": Family(needs=(*LATENT, "experts", "moe_intermediate_size")),
    "deepseek_v3": Family(needs=(*LATENT, "experts", "moe_intermediate_size")),
    "bert": Family(pooler=True, token_types=True, **ENCODER, needs=GATED),
    "roberta": Family(pooler=True, token_types=True, **ENCODER, needs=GATED),
    "xlm-roberta": Family(pooler=True, token_types=True, **ENCODER, needs=GATED),
    "distilbert": Family(**ENCODER, needs=GATED),
}
"""By ``model_type``."""
