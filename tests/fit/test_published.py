"""What others say of models and machines is what the arithmetic says."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.catalog import hub_models, instance_types
from slipway.fit import Fit, Model, Options, fit, model_of_config, smallest
from slipway.fit.need import MIB

# OPT-175B, from the paper "OPT: Open Pre-trained Transformer Language Models", table 1.
OPT_175B = {
    "model_type": "opt",
    "hidden_size": 12288,
    "num_hidden_layers": 96,
    "num_attention_heads": 96,
    "ffn_dim": 49152,
    "max_position_embeddings": 2048,
    "vocab_size": 50272,
    "torch_dtype": "float16",
}


def model(name: str) -> Model:
    return model_of_config(OPT_175B if name == "OPT-175B" else hub_models()[name], name)


def put(name: str, machine: str, **options: Any) -> Fit:
    found = fit(model(name), Options(**options), instance_types()[machine])
    assert found is not None
    return found


GPT_J, LLAMA = "EleutherAI/gpt-j-6b", "meta-llama/Llama-2-{}b-hf"
GUIDE = "djl-serving, LMI deployment guide, instance-type-selection.md, 2026-11"
HF = "philschmid.de, Deploy GPT-J 6B for inference: 24 GB of weights in float32, 12.1 in float16, served on a T4"
BLOOM = "AWS Machine Learning Blog, Deploy BLOOM-176B and OPT-30B: 'more than 350 gigabytes'; int8 on one p4d.24xlarge"


@pytest.mark.parametrize(
    ("name", "machine", "options", "fits", "source"),
    [
        (GPT_J, "ml.g4dn.xlarge", {"dtype": "fp32"}, False, HF),
        (GPT_J, "ml.g4dn.xlarge", {"dtype": "fp16"}, True, HF),
        (GPT_J, "ml.g5.xlarge", {"dtype": "fp32"}, False, "24 GB of weights and 24 GB of memory"),
        (GPT_J, "ml.g5.4xlarge", {"dtype": "fp16"}, True, GUIDE),
        ("OPT-175B", "ml.p4d.24xlarge", {"dtype": "fp16"}, False, "350 GB of weights and 320 GB of memory"),
        ("OPT-175B", "ml.p4de.24xlarge", {"dtype": "fp16"}, True, GUIDE),
        ("OPT-175B", "ml.p4d.24xlarge", {"quantization": "int8"}, True, BLOOM),
        ("bigscience/bloom", "ml.p4d.24xlarge", {}, False, BLOOM),
        ("bigscience/bloom", "ml.p4d.24xlarge", {"quantization": "int8"}, True, BLOOM),
        ("bigscience/bloom", "ml.p4de.24xlarge", {}, True, GUIDE),
        ("bigscience/bloom", "ml.p5.48xlarge", {}, True, GUIDE),
        (LLAMA.format(7), "ml.g5.2xlarge", {}, True, GUIDE),
        (LLAMA.format(7), "ml.g6.4xlarge", {}, True, GUIDE),
        (LLAMA.format(7), "ml.g4dn.xlarge", {}, False, "13.5 GB of weights, 2 GiB of cache and 16 GB of memory"),
        (
            LLAMA.format(13),
            "ml.g5.2xlarge",
            {},
            False,
            "26 GB of weights and 24 GB of memory: the guide starts at 12xlarge",
        ),
        (LLAMA.format(13), "ml.g5.12xlarge", {}, True, GUIDE),
        (LLAMA.format(70), "ml.g5.12xlarge", {}, False, "138 GB of weights and 96 GB of memory"),
        (LLAMA.format(70), "ml.g5.48xlarge", {}, True, GUIDE),
        (LLAMA.format(70), "ml.p4d.24xlarge", {}, True, GUIDE),
        ("EleutherAI/gpt-neox-20b", "ml.g5.12xlarge", {}, True, GUIDE),
        ("tiiuae/falcon-40b", "ml.g5.48xlarge", {}, True, GUIDE),
    ],
)
def test_published_case_is_judged_as_published(
    name: str, machine: str, options: dict[str, Any], *, fits: bool, source: str
) -> None:
    found = put(name, machine, **options)
    assert found.fits is fits, (source, found.lines())


@pytest.mark.parametrize(
    ("max_tokens", "starts", "peak_gib", "cache_gib"), [(20_000, True, 17.06, 3.81), (29_000, False, 17.98, 2.89)]
)
def test_vllm_log_of_an_8b_model_on_24_gb(max_tokens: int, *, starts: bool, peak_gib: float, cache_gib: float) -> None:
    # Source: vllm-project/vllm issue 10517: Llama-3.1-8B on 23.58 GiB, steps as long as the longest sequence.
    said = {"dtype": "bf16", "max_tokens": max_tokens, "step_tokens": max_tokens}
    found = put("meta-llama/Llama-3.1-8B", "ml.g5.xlarge", **said)
    gib = 1024 * MIB
    assert found.need.weights / gib == pytest.approx(14.9888, rel=0.003)
    assert found.need.cache_per_token == 131_072
    assert found.need.activations / gib == pytest.approx(peak_gib - 14.9888, rel=0.06)
    left = 23.58 * 0.9 - (found.need.weights + found.need.activations) / gib - 0.35
    assert left == pytest.approx(cache_gib, abs=0.2)
    assert (left * gib >= found.need.cache) is starts


def test_cache_of_llama_2_13b_is_what_the_guide_counts() -> None:
    found = put(LLAMA.format(13), "ml.g5.12xlarge", degree=1)
    assert found.need.cache_per_token == 819_200, GUIDE
    assert found.need.cache == pytest.approx(3.36e9, rel=0.01)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        (GPT_J, {}, ("ml.g4dn.xlarge", 1)),
        (GPT_J, {"dtype": "fp32"}, ("ml.g7.2xlarge", 1)),
        (LLAMA.format(7), {}, ("ml.g5.xlarge", 1)),
        (LLAMA.format(13), {}, ("ml.g7.2xlarge", 1)),
        (LLAMA.format(70), {}, ("ml.g6e.12xlarge", 4)),
        ("OPT-175B", {}, ("ml.g7e.24xlarge", 4)),
    ],
)
def test_smallest_machine_is_named(name: str, options: dict[str, Any], expected: tuple[str, int]) -> None:
    found = smallest(model(name), Options(**options), region="us-east-1")
    assert found is not None
    assert (found.machine, found.degree) == expected, found.lines()


def test_smallest_machine_is_one_of_the_region_that_computes_what_was_chosen() -> None:
    bf16 = smallest(model(GPT_J), Options(dtype="bf16"), region="eu-west-1")
    fp8 = smallest(model(GPT_J), Options(quantization="fp8"), region="eu-west-1")
    assert bf16 is not None
    assert fp8 is not None
    assert (bf16.machine, fp8.machine) == ("ml.g5.xlarge", "ml.g6.xlarge")  # not on a T4, nor FP8 on an A10G
    assert smallest(model(GPT_J), Options(), region="nowhere") is None


@pytest.mark.parametrize("heads", [71, 7])
def test_degree_divides_the_heads(heads: int) -> None:
    odd = Model(parameters=7_000_000_000, layers=32, attention_heads=heads, kv_heads=1, head_dim=64, max_tokens=2048)
    found = fit(odd, Options(), instance_types()["ml.g5.12xlarge"])
    assert found is not None
    assert found.degree == 1


def test_kv_heads_are_copied_where_there_are_more_gpus_than_heads() -> None:
    alone, two, eight = (put("EleutherAI/gpt-neox-20b", "ml.g5.48xlarge", degree=n).need for n in (1, 2, 8))
    assert (alone.cache, two.cache * 2, eight.cache * 8) == (alone.cache,) * 3
    four, eight = (put("Qwen/Qwen2.5-7B", "ml.p4d.24xlarge", degree=n).need for n in (4, 8))
    assert four.cache == eight.cache


def test_latent_cache_is_on_every_gpu() -> None:
    per_token = put("deepseek-ai/DeepSeek-V3", "ml.p5en.48xlarge", degree=8).need.cache_per_token
    assert per_token == 61 * (512 + 64) * 2


def test_window_bounds_the_cache() -> None:
    found = put("mistralai/Mistral-7B-v0.1", "ml.g5.xlarge", max_tokens=32_768)
    assert found.need.cache == 32 * 2 * 8 * 128 * 2 * 4096


def test_pipeline_stages_share_layers() -> None:
    flat, staged = (put(LLAMA.format(70), "ml.g5.48xlarge", degree=8 // n, pipeline=n).need for n in (1, 2))
    assert (flat.weights, flat.cache) == (staged.weights, staged.cache)


def test_model_without_a_gpu_is_held_in_main_memory() -> None:
    small = Model(weight_bytes=3 << 30)
    machines = instance_types()
    found = [fit(small, Options(), machines[f"ml.m5.{size}"]) for size in ("large", "xlarge")]
    assert [each is not None and (each.device, each.fits) for each in found] == [("memory", True), ("memory", True)]
    least = smallest(Model(weight_bytes=30 << 30), Options(), region="eu-west-1")
    assert least is not None
    assert machines[least.machine].gpus == 0
    assert least.available_mib >= 61_740
