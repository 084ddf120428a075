"""The handler of ``djl-deepspeed``: one model, split by DeepSpeed over the ranks that DJL Serving starts by mpirun.

For AWS's last image with DeepSpeed (DJL 0.27.0, DeepSpeed 0.12.6, transformers 4), which gets no patches any more. DJL
reads it as ``option.entryPoint=model.py``; its options come from ``serving.properties``.
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
_TOKENS = 1024
"""Of prompt and answer together, where nobody says. Source: LMI 0.27.0, DeepSpeed user guide."""


class Engine:
    """What DeepSpeed made of a model, called like the model itself.

    Args:
        engine: Of DeepSpeed.
        device: Where inputs go.
    """

    def __init__(self, engine: Any, device: Any) -> None:
        self._engine = engine
        self.device = device
        self.config = engine.module.config
        self.generation_config = getattr(engine.module, "generation_config", None)

    def __call__(self, **inputs: Any) -> Any:
        """Answer as the model would."""
        return self._engine(**inputs)


def load(properties: dict[str, str]) -> Loaded:
    """Load the model, and keep this rank's part.

    Args:
        properties: ``model_id``, ``tensor_parallel_degree``, ``dtype``, ``max_tokens``, ``low_cpu_mem_usage``,
            ``model_loading_timeout`` and what :func:`_told` hands on are read.

    Raises:
        RuntimeError: If there are not as many ranks as the degree says.
    """
    ranks = Ranks.of(os.environ)
    degree = int(properties.get("tensor_parallel_degree", ranks.size))
    if degree != ranks.size:
        raise RuntimeError(f"tensor_parallel_degree is {degree}, and there are {ranks.size} ranks")
    device = ranks.join(float(properties.get("model_loading_timeout", 1800)))
    import deepspeed

    if device.type == "cpu":  # a rehearsal: gloo will do, and DeepSpeed would compile its own for a minute first
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_init_required=ranks.size > 1)
    folder = properties.get("model_id") or properties["model_dir"]
    dtype = _TYPES[properties.get("dtype", "fp16")]
    most = int(properties.get("max_tokens", _TOKENS))
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        torch_dtype=dtype,
        low_cpu_mem_usage=_flag(properties, "low_cpu_mem_usage", absent=True),
        local_files_only=True,
        trust_remote_code=False,
    )
    whole = sum(weight.numel() for weight in model.parameters())
    engine = deepspeed.init_inference(
        model.eval(), tensor_parallel={"tp_size": degree}, dtype=dtype, max_out_tokens=most, **_told(properties)
    )
    held = sum(weight.numel() for weight in engine.module.parameters())
    print(f"rank {ranks.rank} of {ranks.size} holds {held} of {whole} weights", flush=True)  # noqa: T201  DJL's log
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return Loaded(Engine(engine, device), tokenizer, ranks, most, device)


def _told(properties: dict[str, str]) -> dict[str, Any]:
    """Return what DeepSpeed is told as it was written."""
    told: dict[str, Any] = {"replace_with_kernel_inject": _flag(properties, "replace_with_kernel_inject", absent=False)}
    for name in ("triangular_masking", "return_tuple", "enable_cuda_graph"):
        if name in properties:
            told[name] = _flag(properties, name, absent=False)
    if "training_mp_size" in properties:
        told["training_mp_size"] = int(properties["training_mp_size"])
    if "checkpoint" in properties:
        told["checkpoint"] = str(Path(properties["model_dir"]) / properties["checkpoint"])
    return told


def _flag(properties: dict[str, str], name: str, *, absent: bool) -> bool:
    return properties[name].lower() == "true" if name in properties else absent


_handler = Handler(load)


def handle(inputs: Input) -> Output | None:
    """Answer one request on this rank; every rank gets it, and DJL Serving hands on one answer."""
    return _handler(inputs)
