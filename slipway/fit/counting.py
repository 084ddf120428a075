"""How many parameters a config makes, by formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.fit.families import Family, Flag

Config = dict[str, Any]


def parameters(config: Config, family: Family) -> int:
    """Return all parameters, experts too.

    Args:
        config: With the names of ``slipway.fit.config``.
        family: How it is built.
    """
    layers: int = config["num_hidden_layers"]
    dense = layers - _expert_layers(config)
    attention = _attention(config, family) + config.get("norms", family.norms) * _norm(config, family)
    feed_forward = dense * _mlp(config, family, config["intermediate_size"])
    experts = _expert_layers(config) * _experts(config, family) if _expert_layers(config) else 0
    ends = embedding_parameters(config, family) + _ends(config, family)
    return int(layers * attention + feed_forward + experts + ends)


def embedding_parameters(config: Config, family: Family) -> int:
    """Return the parameters of the embedding of tokens, and of the head where that is another matrix."""
    matrix: int = config["vocab_size"] * config.get("word_embed_proj_dim", config["hidden_size"])
    return matrix * (2 if family.head and not tied(config, family) else 1)


def tied(config: Config, family: Family) -> bool:
    """Return whether the head is the embedding."""
    return bool(config.get("tie_word_embeddings", family.tied))


def _flag(config: Config, flag: Flag) -> bool:
    return flag if isinstance(flag, bool) else bool(config.get(flag[0], flag[1]))


def _norm(config: Config, family: Family) -> int:
    return int(config["hidden_size"]) * (2 if family.norm_bias else 1)


def _attention(config: Config, family: Family) -> int:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    if "kv_lora_rank" in family.needs:
        return _latent_attention(config)
    queries, keys = heads * config["head_dim"], config["num_key_value_heads"] * config["head_dim"]
    found = hidden * (queries + 2 * keys) + queries * hidden
    found += (queries + 2 * keys) * _flag(config, family.qkv_bias) + hidden * _flag(config, family.out_bias)
    return int(found + 2 * config["head_dim"] * family.qk_norm + heads * family.sinks)


def _latent_attention(config: Config) -> int:
    hidden, heads, latent = config["hidden_size"], config["num_attention_heads"], config["kv_lora_rank"]
    rope, nope, value = config["qk_rope_head_dim"], config["qk_nope_head_dim"], config["v_head_dim"]
    rank, queries = config.get("q_lora_rank"), heads * (rope + nope)
    into = hidden * queries if rank is None else hidden * rank + rank + rank * queries
    cached = hidden * (latent + rope) + latent + latent * heads * (nope + value)
    return int(into + cached + heads * value * hidden)


def _mlp(config: Config, family: Family, size: int) -> int:
    hidden = config["hidden_size"]
    matrices = 3 if family.gated else 2
    return int(matrices * hidden * size + (hidden + (matrices - 1) * size) * _flag(config, family.mlp_bias))


def _expert_layers(config: Config) -> int:
    """How many layers have experts instead of one feed-forward layer."""
    if not config.get("experts"):
        return 0
    dense = set(config.get("mlp_only_layers") or ()) | set(range(config.get("first_k_dense_replace", 0)))
    step = config.get("decoder_sparse_step", 1)
    return sum(n not in dense and (n + 1) % step == 0 for n in range(config["num_hidden_layers"]))


def _experts(config: Config, family: Family) -> int:
    count, hidden = config["experts"], config["hidden_size"]
    size: int = config["moe_intermediate_size"] if "moe_intermediate_size" in config else config["intermediate_size"]
    routed = count * (_mlp(config, family, size) + hidden) + (count * (2 * size + hidden + 1)) * family.expert_bias
    shared = config.get("shared_expert_intermediate_size")
    if shared:  # with a gate of its own
        return int(routed + _mlp(config, family, shared) + hidden)
    return int(routed + _mlp(config, family, size * int(config.get("n_shared_experts", 0))))


def _ends(config: Config, family: Family) -> int:
    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    norms = family.embedding_norms + (family.closing_norm and not config.get("no_closing_norm", False))
    positions = 0 if family.positions is None else config["max_position_embeddings"] + family.positions
    found = norms * _norm(config, family) + positions * hidden + vocabulary * family.head_bias
    found += config.get("type_vocab_size", 0) * hidden * family.token_types + (hidden + 1) * hidden * family.pooler
    narrow: Any = config.get("word_embed_proj_dim", hidden)
    return int(found + (2 * narrow * hidden if narrow != hidden else 0))
