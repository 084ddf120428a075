"""How many GPUs share a model: published shapes, and what vLLM refuses to cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.catalog import hub_models, instance_types
from slipway.fit import Model, Options, Plan, model_of_config, plan, undividable

NO_GROUP = "no multiple of the 128 weights that share a scale"
LLAMA, GPT_J = "meta-llama/Llama-2-{}b-hf", "EleutherAI/gpt-j-6b"


def planned(name: str, machine: str, **options: Any) -> Plan:
    found = plan(model_of_config(hub_models()[name], name), Options(**options), instance_types()[machine])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "machine", "options", "degree", "copies"),
    [
        (LLAMA.format(7), "ml.g5.xlarge", {}, 1, 1),
        (LLAMA.format(7), "ml.g5.48xlarge", {}, 1, 8),
        (LLAMA.format(13), "ml.g5.2xlarge", {}, None, 0),  # 24.8 GiB of weights, 22.4 GiB of memory
        (LLAMA.format(13), "ml.g5.12xlarge", {}, 2, 2),
        (LLAMA.format(13), "ml.g4dn.12xlarge", {}, 2, 2),  # with 19 MiB to spare
        (LLAMA.format(70), "ml.g5.12xlarge", {}, None, 0),
        (LLAMA.format(70), "ml.g5.48xlarge", {}, 8, 1),  # each GPU keeps one of the 8 KV heads
        (LLAMA.format(70), "ml.p4d.24xlarge", {}, 4, 2),
        (LLAMA.format(70), "ml.g6.48xlarge", {"quantization": "fp8"}, 4, 2),
        (GPT_J, "ml.g4dn.xlarge", {"dtype": "fp16"}, 1, 1),
        (GPT_J, "ml.g5.12xlarge", {"dtype": "fp32"}, 2, 2),
    ],
)
def test_published_model_takes_the_fewest_gpus_that_hold_it(
    name: str, machine: str, options: dict[str, Any], degree: int | None, copies: int
) -> None:
    found = planned(name, machine, **options)
    assert (found.degree, found.copies) == (degree, copies)
    below = [step for step in found.steps if step.degree != degree]
    assert all(step.reason != "" for step in below)
    if found.taken is not None:
        assert (found.taken.degree, found.taken.fits) == (degree, True)


def test_lines_say_why_a_smaller_degree_is_out() -> None:
    assert planned(LLAMA.format(13), "ml.g5.12xlarge").lines() == [
        "degree 1    does not fit: 28,793 of 20,599 MiB on the A10G",
        "degree 2    fits: 14,726 of 20,599 MiB on each of 2 A10G, room for 15,035 more tokens",
        "planned     2 of 4 GPUs: 2 copies",
    ]
    assert planned(LLAMA.format(70), "ml.g5.12xlarge").lines()[-1] == "no degree serves it on ml.g5.12xlarge"


def test_longer_sequences_take_more_gpus() -> None:
    machine, model = instance_types()["ml.g5.12xlarge"], model_of_config(hub_models()[LLAMA.format(7)], "7b")
    degrees = [plan(model, Options(), machine, tokens=tokens) for tokens in (4096, 16_384, 80_000)]
    assert [found.degree for found in degrees if found is not None] == [1, 2, 4]


def test_a_gpu_that_cannot_compute_in_fp8_serves_no_degree() -> None:
    found = planned(LLAMA.format(70), "ml.g5.48xlarge", quantization="fp8")
    assert found.degree is None
    assert found.lines()[0] == "degree 1    A10G computes in no fp8"


QWEN = model_of_config(hub_models()["Qwen/Qwen2.5-7B"], "qwen")  # 28 heads, 4 KV heads, 18,944 = 2^9 x 37


@pytest.mark.parametrize(
    ("model", "degree", "said"),
    [
        (QWEN, 4, []),
        (QWEN, 8, ["does not divide 28 attention heads"]),
        (replace(QWEN, attention_heads=24, kv_heads=3), 2, ["neither divides 3 KV heads nor is a multiple of them"]),
        (replace(QWEN, attention_heads=24, kv_heads=3, vocab_size=32_000), 3, ["a vocabulary of 32,000, filled up"]),
        (replace(QWEN, intermediate_size=1001), 2, ["does not divide a feed-forward layer of 1,001"]),
        (replace(QWEN, intermediate_size=1000, quantization="fp8"), 4, ["into 250, no multiple of the 16"]),
        (Model(), 8, []),
    ],
)
def test_what_vllm_cannot_cut_is_said(model: Model, degree: int, said: list[str]) -> None:
    found = list(undividable(model, degree))
    assert (found == []) == (said == [])
    for words in said:
        assert any(words in reason for reason in found), found


@pytest.mark.parametrize(
    ("degree", "aligned"),
    [(1, True), (2, True), (4, False)],  # 11,008 = 86 x 128: vllm-project/vllm#2419 says so of a model of this width
)
def test_four_bits_in_groups_of_128_cut_llama_7b_in_two_and_no_further(degree: int, *, aligned: bool) -> None:
    config = hub_models()[LLAMA.format(7)] | {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    config["quantization_config"]["group_size"] = 128
    found = list(undividable(model_of_config(config), degree))
    assert (found == []) == aligned
    if not aligned:
        assert found == [
            "cuts a feed-forward layer of 11,008 into 2,752, no multiple of the 128 weights that share a scale"
        ]
