"""Reading a Hugging Face ``config.json``."""

from __future__ import annotations

from reprlib import repr as shown
from typing import Any, Final

from slipway.fit.counting import Config, embedding_parameters, parameters
from slipway.fit.families import FAMILIES, Family
from slipway.fit.model import Model, dtype_of, quantization_of
from slipway.specs.errors import UsageError
from slipway.specs.suggest import did_you_mean

ALIASES: Final = {
    "hidden_size": ("n_embd", "d_model", "dim"),
    "num_hidden_layers": ("n_layer", "num_layers", "n_layers"),
    "num_attention_heads": ("n_head", "num_heads", "n_heads"),
    "num_key_value_heads": ("num_kv_heads",),
    "intermediate_size": ("n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim"),
    "max_position_embeddings": ("n_positions", "n_ctx", "seq_length"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
}
NEEDED: Final = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
LATENT: Final = ("kv_lora_rank", "q_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")
EXPERTS: Final = ("moe_intermediate_size", "shared_expert_intermediate_size", "n_shared_experts", "decoder_sparse_step")
COUNTS: Final = (
    *ALIASES,
    *LATENT,
    *EXPERTS,
    "first_k_dense_replace",
    "head_dim",
    "sliding_window",
    "sliding_window_pattern",
    "type_vocab_size",
    "vocab_size",
    "word_embed_proj_dim",
)
NONE_IS_FINE: Final = (
    "first_k_dense_replace",
    "n_shared_experts",
    "shared_expert_intermediate_size",
    "sliding_window",
    "type_vocab_size",
)
COMPRESSED: Final = {"float8": "fp8", "int8": "int8", "int4": "int4"}
"""How compressed-tensors types and counts the bits of a weight."""
MOST: Final = 1 << 32
MOST_LAYERS: Final = 10_000


def model_of_config(document: Any, name: str = "config.json") -> Model:
    """Return the facts of a model.

    Args:
        document: What ``config.json`` holds.
        name: The model's, for people.

    Raises:
        UsageError: If its family is not known, or it lacks what the count needs.
    """
    if not isinstance(document, dict):
        raise UsageError(f"{name}: is no config.json: it holds no mapping")
    kind = str(document.get("model_type"))
    if kind not in FAMILIES:
        hint = did_you_mean(kind, sorted(FAMILIES))
        raise UsageError(
            f"{name}: model_type '{kind}' is none whose parameters are counted{hint}: {', '.join(sorted(FAMILIES))}"
        )
    family = FAMILIES[kind]
    config = _complete(_named(document), kind, family, name)
    return _model(config, family, name)


def _named(document: Config) -> Config:
    config = {key: value for key, value in document.items() if value is not None}
    for key, others in ALIASES.items():
        found = [config[other] for other in others if other in config]
        if key not in config and found:
            config[key] = found[0]
    return config


def _complete(config: Config, kind: str, family: Family, name: str) -> Config:
    positions = () if family.positions is None else ("max_position_embeddings",)
    lacking = [key for key in (*NEEDED, *family.needs, *positions) if key not in config]
    if lacking:
        raise UsageError(f"{name}: a config of '{kind}' needs {', '.join(lacking)}: write it as transformers saves it")
    _check_counts(config, name)
    config.setdefault("intermediate_size", 4 * config["hidden_size"])
    config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"])
    config |= SPECIAL.get(kind, dict)(config)
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    return config


def _check_counts(config: Config, name: str) -> None:
    for key in COUNTS:
        least = 0 if key in NONE_IS_FINE else 1
        most = MOST_LAYERS if key in ("num_hidden_layers", "first_k_dense_replace") else MOST
        if key in config and (type(config[key]) is not int or not least <= config[key] <= most):
            raise UsageError(
                f"{name}: {key} is {shown(config[key])} and a whole number from {least} to {most} is accepted"
            )
    dense = config.get("mlp_only_layers", [])
    if not isinstance(dense, list) or not all(type(each) is int for each in dense):
        raise UsageError(f"{name}: mlp_only_layers is {shown(dense)} and a list of layers is accepted")


def _falcon(config: Config) -> Config:
    """Two norms a layer unless attention and feed-forward run side by side on one; keys for one head or for groups."""
    if config.get("new_decoder_architecture", False):
        return {"norms": config.get("num_ln_in_parallel_attn") or 2}
    return _multi_query(config) | {"norms": 1 if config.get("parallel_attn", True) else 2}


def _multi_query(config: Config) -> Config:
    return {"num_key_value_heads": 1 if config.get("multi_query", True) else config["num_attention_heads"]}


def _opt(config: Config) -> Config:
    before = config.get("do_layer_norm_before", True)
    return {"no_closing_norm": not before or bool(config.get("_remove_final_layer_norm", False))}


def _stablelm(config: Config) -> Config:
    return {"norms": 1 if config.get("use_parallel_residual", False) else 2}


SPECIAL: Final = {"falcon": _falcon, "gpt_bigcode": _multi_query, "opt": _opt, "stablelm": _stablelm}
"""What some families say in words of their own."""


def _model(config: Config, family: Family, name: str) -> Model:
    latent = config["kv_lora_rank"] + config["qk_rope_head_dim"] if "kv_lora_rank" in family.needs else None
    window, windowed = _window(config, family)
    return Model(
        name=name,
        parameters=parameters(config, family),
        embedding_parameters=embedding_parameters(config, family),
        layers=config["num_hidden_layers"] if family.head else None,
        attention_heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"] if family.head else None,
        head_dim=config["head_dim"],
        latent_dim=latent,
        hidden_size=config["hidden_size"],
        intermediate_size=config.get("moe_intermediate_size", config["intermediate_size"]),
        vocab_size=config["vocab_size"] if family.head else None,
        max_tokens=config.get("max_position_embeddings"),
        window=window,
        windowed_layers=windowed,
        dtype=dtype_of(config.get("dtype", config.get("torch_dtype"))),
        quantization=_quantization(config.get("quantization_config"), name),
        group_size=_group_size(config.get("quantization_config")),
    )


def _window(config: Config, family: Family) -> tuple[int | None, int]:
    window, layers, every = config.get("sliding_window"), config["num_hidden_layers"], family.window_every
    if not window or not every or config.get("use_sliding_window") is False:
        return None, 0
    kinds = config.get("layer_types")
    if isinstance(kinds, list):
        return window, kinds.count("sliding_attention")
    every = config.get("sliding_window_pattern", every)
    return window, layers if every == 1 else layers - layers // every


def _quantization(written: Any, name: str) -> str | None:
    if not isinstance(written, dict):
        return None
    method = str(written.get("quant_method"))
    bits = {"4": "int4", "8": "int8"}.get(str(written.get("bits", written.get("w_bit"))))
    if method == "bitsandbytes":
        bits = "int4" if written.get("load_in_4bit") else "int8"
    if method == "compressed-tensors":
        weights = _compressed(written)
        bits = COMPRESSED.get(f"{weights.get('type')}{weights.get('num_bits')}")
    found = bits if bits is not None else quantization_of(method)
    if found is None:
        raise UsageError(f"{name}: quantisation by '{method}' is none whose bytes are known: give 'weight_bytes'")
    return found


def _compressed(written: Config) -> Config:
    """Return how compressed-tensors says that weights are quantised, where it says so once."""
    groups = written.get("config_groups")
    every = groups.values() if isinstance(groups, dict) else ()
    found = [group.get("weights") for group in every if isinstance(group, dict)]
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else {}


def _group_size(written: Any) -> int | None:
    if not isinstance(written, dict):
        return None
    found = _compressed(written).get("group_size", written.get("group_size"))
    return found if type(found) is int and found > 0 else None
