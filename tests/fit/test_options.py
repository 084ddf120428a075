from __future__ import annotations

from typing import Any

import pytest

from slipway.fit import MAX, Options, options_of, options_of_properties


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            # Source: djl-serving, LMI configurations, "Environment Variable Configurations".
            {"HF_MODEL_ID": "tiiuae/falcon-40b", "TENSOR_PARALLEL_DEGREE": "4", "OPTION_ROLLING_BATCH": "vllm"},
            {"model_id": "tiiuae/falcon-40b", "degree": 4, "engine": "vllm"},
        ),
        (
            {"OPTION_TENSOR_PARALLEL_DEGREE": "max", "OPTION_DTYPE": "bf16", "OPTION_QUANTIZE": "awq"},
            {"degree": MAX, "dtype": "bf16", "quantization": "int4"},
        ),
        (
            {"SM_NUM_GPUS": 4, "HF_MODEL_QUANTIZE": "eetq", "MAX_TOTAL_TOKENS": "4096"},
            {"degree": 4, "quantization": "int8", "max_tokens": 4096, "engine": "tgi"},
        ),
        (
            {
                "SM_VLLM_MODEL": "openai/gpt-oss-20b",
                "SM_VLLM_TENSOR_PARALLEL_SIZE": "8",
                "SM_VLLM_GPU_MEMORY_UTILIZATION": "0.95",
                "SM_VLLM_MAX_MODEL_LEN": "8192",
                "SM_VLLM_DTYPE": "auto",
                "HF_MODEL_ID": "loses",
            },
            {"model_id": "openai/gpt-oss-20b", "degree": 8, "memory_share": 0.95, "max_tokens": 8192, "engine": "vllm"},
        ),
        ({"LOG_LEVEL": "info"}, {}),
    ],
)
def test_variables_are_read_as_the_servers_document_them(environment: dict[str, Any], expected: dict[str, Any]) -> None:
    found = options_of(environment)
    assert {
        key: value for key, value in vars(found).items() if value != vars(Options())[key] and key != "said"
    } == expected
    assert not found.unclear


@pytest.mark.parametrize(
    ("environment", "unclear"),
    [
        ({"OPTION_TENSOR_PARALLEL_DEGREE": object()}, {"degree"}),
        ({"OPTION_TENSOR_PARALLEL_DEGREE": "-1"}, {"degree"}),
        ({"OPTION_QUANTIZE": "of-tomorrow"}, {"quantization"}),
        ({"SM_VLLM_GPU_MEMORY_UTILIZATION": "9"}, {"memory_share"}),
        ({"OPTION_CPU_OFFLOAD_GB_PER_GPU": "4"}, {"elsewhere"}),
        ({"OPTION_MODEL_ID": ["a"], 3: None}, {"model_id"}),
    ],
)
def test_what_cannot_be_judged_is_named(environment: dict[Any, Any], unclear: set[str]) -> None:
    assert options_of(environment).unclear == unclear


def test_properties_are_the_same_as_variables() -> None:
    text = """
    # a comment
    engine=Python
    option.model_id=meta-llama/Llama-2-13b-hf
    option.tensor_parallel_degree = max
    option.max_model_len: 4096
    """
    found = options_of_properties(text)
    assert (found.model_id, found.degree, found.max_tokens) == ("meta-llama/Llama-2-13b-hf", MAX, 4096)
