"""The formula counts what transformers builds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from slipway.fit.config import model_of_config

SMALL = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 97}
GATED = SMALL | {"intermediate_size": 112, "num_key_value_heads": 2, "max_position_embeddings": 50}
MOE = GATED | {"head_dim": 16, "moe_intermediate_size": 24}
LATENT = {"kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 12, "v_head_dim": 20, "num_key_value_heads": 4}
ENCODER = SMALL | {"intermediate_size": 96, "max_position_embeddings": 40, "type_vocab_size": 2}
GPT = {"n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 97, "n_positions": 40}
DEEPSEEK = MOE | LATENT | {"n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1}
OPT = {**SMALL, "ffn_dim": 100, "max_position_embeddings": 40}
OPT_NARROW = OPT | {"word_embed_proj_dim": 32, "do_layer_norm_before": False}
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("llama", GATED),
    ("llama", GATED | {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True, "head_dim": 24}),
    ("mistral", GATED | {"sliding_window": 16, "head_dim": 20}),
    ("mixtral", GATED | {"num_local_experts": 4}),
    ("qwen2", GATED),
    ("qwen2_moe", MOE | {"num_experts": 4, "shared_expert_intermediate_size": 40, "decoder_sparse_step": 2}),
    ("qwen3", GATED | {"head_dim": 24}),
    ("qwen3_moe", MOE | {"num_experts": 4, "mlp_only_layers": [1]}),
    ("gemma", GATED | {"head_dim": 24}),
    ("gemma2", GATED | {"head_dim": 24}),
    ("gemma3_text", GATED | {"head_dim": 24}),
    ("phi", GATED),
    ("phi3", GATED | {"pad_token_id": 0}),
    ("gpt2", GPT),
    ("gpt2", GPT | {"n_inner": 100}),
    ("gpt_bigcode", GPT | {"multi_query": True}),
    ("gpt_bigcode", GPT | {"multi_query": False}),
    (
        "gpt_neo",
        {**SMALL, "max_position_embeddings": 40, "num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    ),
    ("gptj", GPT | {"rotary_dim": 8}),
    ("gpt_neox", SMALL | {"intermediate_size": 100, "max_position_embeddings": 40}),
    ("opt", OPT),
    ("opt", OPT_NARROW),
    ("bloom", {"hidden_size": 64, "n_layer": 3, "n_head": 4, "vocab_size": 97}),
    ("falcon", SMALL),
    ("falcon", SMALL | {"new_decoder_architecture": True, "num_kv_heads": 2}),
    ("falcon", SMALL | {"multi_query": False, "parallel_attn": False, "bias": True, "alibi": True}),
    ("starcoder2", GATED),
    ("stablelm", GATED | {"use_qkv_bias": True}),
    ("stablelm", GATED | {"use_parallel_residual": True}),
    ("gpt_oss", GATED | {"num_local_experts": 4, "head_dim": 16}),
    ("deepseek_v2", DEEPSEEK | {"q_lora_rank": None}),
    ("deepseek_v3", DEEPSEEK | {"q_lora_rank": 24, "n_group": 1, "topk_group": 1}),
    ("bert", ENCODER),
    ("roberta", ENCODER),
    ("xlm-roberta", ENCODER),
    (
        "distilbert",
        {"dim": 64, "n_layers": 3, "n_heads": 4, "hidden_dim": 96, "vocab_size": 97, "max_position_embeddings": 40},
    ),
]


@pytest.mark.parametrize(("kind", "keys"), CONFIGS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(CONFIGS)])
def test_count_is_what_transformers_builds(kind: str, keys: dict[str, Any]) -> None:
    written = dict(keys)
    if kind == "gpt_neo":
        written.pop("num_hidden_layers")
    config = AutoConfig.for_model(kind, **written)
    encoder = kind in {"bert", "roberta", "xlm-roberta", "distilbert"}
    with torch.device("meta"):
        factory: Any = AutoModel if encoder else AutoModelForCausalLM
        built = factory.from_config(config)
    parameters = sum(each.numel() for each in built.parameters())
    assert model_of_config(written | {"model_type": kind}).parameters == parameters
    # and of the file that transformers itself would write, which says more
    saved = {key: value for key, value in config.to_dict().items() if key != "quantization_config"}
    assert model_of_config(saved).parameters == parameters
