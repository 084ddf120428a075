"""The handler of ``djl-mpi``: one model of transformers, split over the ranks that DJL Serving starts by mpirun.

DJL reads it as ``option.entryPoint=model.py``; its options come from ``serving.properties``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for textgen, which lies beside it

from typing import TYPE_CHECKING, Any

import torch
from textgen import Handler, Loaded, Ranks
from transformers import AutoModelForCausalLM, AutoTokenizer

if TYPE_CHECKING:
    from djl_python import Input, Output

_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def load(properties: dict[str, str]) -> Loaded:
    """Load this rank's part of the model.

    Args:
        properties: ``model_id``, ``tensor_parallel_degree``, ``dtype``, ``max_model_len``, ``attn_implementation`` and
            ``model_loading_timeout`` are read.

    Raises:
        RuntimeError: If there are not as many ranks as the degree says, or the model has no plan to be split by.
    """
    ranks = Ranks.of(os.environ)
    degree = int(properties.get("tensor_parallel_degree", ranks.size))
    if degree != ranks.size:
        raise RuntimeError(f"tensor_parallel_degree is {degree}, and there are {ranks.size} ranks")
    device = ranks.join(float(properties.get("model_loading_timeout", 1800)))
    folder = properties.get("model_id") or properties["model_dir"]
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    how: dict[str, Any] = _split() if ranks.size > 1 else {"device_map": {"": device}}
    if "attn_implementation" in properties:
        how["attn_implementation"] = properties["attn_implementation"]
    dtype = _TYPES.get(properties.get("dtype", "auto"), "auto")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **how, **given)
    if ranks.size > 1 and not model.tp_plan:
        raise RuntimeError(f"{type(model).__name__} has no tp_plan, so that it cannot be split")
    held, whole = _held(model)
    print(f"rank {ranks.rank} of {ranks.size} holds {held} of {whole} weights", flush=True)  # noqa: T201  DJL's log
    tokenizer = AutoTokenizer.from_pretrained(folder, **given)
    most = int(properties.get("max_model_len") or model.config.max_position_embeddings)
    return Loaded(model.eval(), tokenizer, ranks, most, device)


def _split() -> dict[str, Any]:
    """Say that the model is to be split by its own plan, in the words of the transformers that is here."""
    try:
        from transformers.distributed.configuration_utils import DistributedConfig

        return {"distributed_config": DistributedConfig(tp_plan="auto")}
    except (ImportError, TypeError):  # before 5.1x, DistributedConfig is not there or is about experts alone
        return {"tp_plan": "auto"}


def _held(model: Any) -> tuple[int, int]:
    weights = [*model.parameters()]
    parts = (weight.to_local() if hasattr(weight, "to_local") else weight for weight in weights)
    return sum(part.numel() for part in parts), sum(weight.numel() for weight in weights)


_handler = Handler(load)


def handle(inputs: Input) -> Output | None:
    """Answer one request on this rank; every rank gets it, and DJL Serving hands on one answer."""
    return _handler(inputs)
