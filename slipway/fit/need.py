"""How much memory a model needs, with the arithmetic that a person can follow."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from slipway.fit.model import BYTES, SCALED, SIXTEEN_BITS

if TYPE_CHECKING:
    from slipway.fit.model import Model
    from slipway.fit.options import Options

MIB: Final = 1 << 20
STEP_TOKENS: Final = 2048
"""vLLM's ``max_num_batched_tokens`` where nobody chose one. Source: vLLM, SchedulerConfig, 2026-11."""
SEQUENCES: Final = 256
"""``max_num_seqs`` and LMI's ``max_rolling_batch_size``. Source: djl-serving, LMI configurations, 2026-11."""
RUNTIME_MIB: Final = 512
"""CUDA context, NCCL and kernels of one GPU: a guess above the 0.35 GiB that vLLM logs in vllm-project/vllm#10517."""
ACTIVE_STREAMS: Final = 5
"""Copies of the residual stream in a step: fitted to the peaks of 2.07 and 2.99 GiB in the same log, off by 5 %."""
LOGIT_BYTES: Final = 6
HOST_RUNTIME_MIB: Final = 300
"""A Python server in main memory: a guess; ours takes 60."""
LOADING_FACTOR: Final = 2
"""Weights in main memory while they are loaded: ONNX Runtime peaks at 1.6 to 2.0 times the file (measured, 2026-11)."""


@dataclass(frozen=True)
class Need:
    """What one device must hold.

    Args:
        weights: Bytes of them.
        cache: Of the KV cache for the tokens in flight.
        cache_per_token: Of the KV cache for one more token.
        activations: An estimate.
        runtime: A guess.
        lines: The arithmetic, a line for each.
    """

    weights: int
    cache: int
    cache_per_token: int
    activations: int
    runtime: int
    lines: tuple[str, ...]

    @property
    def total(self) -> int:
        """All bytes."""
        return self.weights + self.cache + self.activations + self.runtime


def weight_bytes(model: Model, options: Options) -> tuple[int, str] | None:
    """Return the bytes of all weights and how they were counted; None where that is not known."""
    quantization = options.quantization or model.quantization
    if model.parameters is None:
        return None if model.weight_bytes is None else (model.weight_bytes, "as they are stored")
    if quantization is None and options.dtype is None and model.weight_bytes is not None:
        return model.weight_bytes, "as they are stored"
    if quantization is None:
        dtype = options.dtype or model.dtype or "fp16"
        return int(
            model.parameters * BYTES[dtype]
        ), f"{model.parameters:,} parameters x {BYTES[dtype]:g} bytes ({dtype})"
    wide, rest = model.embedding_parameters, model.parameters - model.embedding_parameters
    said = f"{rest:,} parameters x {SCALED[quantization]:.3g} bytes ({quantization}) + {wide:,} x 2 (embedding, head)"
    return int(rest * SCALED[quantization] + wide * SIXTEEN_BITS), said


def cache_bytes(model: Model, options: Options, degree: int) -> tuple[int, str]:
    """Return the bytes that one token takes in the KV cache of one device, in a layer, and how they were counted."""
    width = BYTES[options.cache_dtype or _compute_dtype(model, options)]
    if model.latent_dim is not None:
        return int(model.latent_dim * width), f"{model.latent_dim} latent numbers x {width:g} bytes, on every GPU"
    heads = ceil((model.kv_heads or 0) / degree)
    return int(2 * heads * (model.head_dim or 0) * width), f"2 x {heads} KV heads x {model.head_dim} x {width:g} bytes"


def need_of(model: Model, options: Options, *, degree: int, tokens: int) -> Need | None:
    """Return what one of several devices needs that share a model; None where its weights are not known.

    Args:
        model: Its facts.
        options: How the server is told to hold it.
        degree: How many devices share every layer; each of the stages that ``options`` give takes as many.
        tokens: In flight, of all sequences together.
    """
    weights = weight_bytes(model, options)
    if weights is None:
        return None
    devices = degree * options.pipeline
    share = ceil(weights[0] / devices)
    divided = f" / {devices}" if devices > 1 else ""
    lines = [_line("weights", f"{weights[1]}{divided}", share)]
    cache, per_token = _cache(model, options, degree, tokens, lines)
    activations = _activations(model, options, degree, lines)
    runtime = RUNTIME_MIB * MIB
    lines.append(_line("runtime", "CUDA context, NCCL, kernels (a guess)", runtime))
    return Need(share, cache, per_token, activations, runtime, tuple(lines))


def host_need_of(model: Model, options: Options) -> Need | None:
    """Return what main memory must hold where no accelerator is; None where the weights are not known."""
    weights = weight_bytes(model, options)
    if weights is None:
        return None
    extra, runtime = weights[0] * (LOADING_FACTOR - 1), HOST_RUNTIME_MIB * MIB
    lines = (
        _line("weights", weights[1], weights[0]),
        _line("loading", "the file beside them while they are loaded (an estimate)", extra),
        _line("runtime", "Python, server, libraries (a guess)", runtime),
    )
    return Need(weights[0], 0, 0, extra, runtime, lines)


def _cache(model: Model, options: Options, degree: int, tokens: int, lines: list[str]) -> tuple[int, int]:
    if not model.generates or model.layers is None:
        return 0, 0
    in_layer, said = cache_bytes(model, options, degree)
    windowed = ceil(model.windowed_layers / options.pipeline) if model.window is not None else 0
    full = max(ceil(model.layers / options.pipeline) - windowed, 0)
    seen = min(tokens, model.window or 0)
    if full and tokens:
        lines.append(_line("KV cache", f"{full} layers x {said} x {tokens:,} tokens", full * in_layer * tokens))
    if windowed and tokens:
        lines.append(
            _line("KV cache", f"{windowed} layers with a window x {said} x {seen:,} tokens", windowed * in_layer * seen)
        )
    return in_layer * (full * tokens + windowed * seen), in_layer * (full or windowed)


def _activations(model: Model, options: Options, degree: int, lines: list[str]) -> int:
    if model.hidden_size is None:
        return 0
    tokens = options.step_tokens or STEP_TOKENS
    width = BYTES[_compute_dtype(model, options)]
    numbers = ACTIVE_STREAMS * model.hidden_size + 2 * ceil((model.intermediate_size or 4 * model.hidden_size) / degree)
    logits = LOGIT_BYTES * (model.vocab_size or 0) * min(options.sequences or SEQUENCES, tokens)
    found = int(tokens * numbers * width) + logits
    lines.append(_line("activations", f"a step of {tokens:,} tokens, and its logits (an estimate)", found))
    return found


def _compute_dtype(model: Model, options: Options) -> str:
    dtype = options.dtype or model.dtype or "fp16"
    return dtype if BYTES[dtype] >= SIXTEEN_BITS else "fp16"


def _line(what: str, how: str, size: int) -> str:
    return f"{what:<12}{how} = {ceil(size / MIB):,} MiB"
