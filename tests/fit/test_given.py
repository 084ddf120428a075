from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.catalog import hub_models
from slipway.fit import Model, model_of_config, model_of_facts
from slipway.specs import UsageError

OTHERS = ["quantization_config", "layer_types", "mlp_only_layers"]
LLAMA = hub_models()["meta-llama/Llama-2-7b-hf"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def test_config_and_fields_make_one_model_and_fields_win() -> None:
    found = model_of_facts({"config": LLAMA, "dtype": "bfloat16", "max_tokens": 1024, "name": "mine"})
    assert (found.name, found.parameters, found.dtype, found.max_tokens) == ("mine", 6_738_415_616, "bf16", 1024)
    assert model_of_facts({"weight_bytes": 5}) == Model(weight_bytes=5)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "a mapping of facts is accepted"),
        ({"weight_byte": 5}, "'weight_byte' is no fact about a model, did you mean 'weight_bytes'?"),
        ({"weight_bytes": "5"}, "weight_bytes is '5' and a whole number is accepted"),
        ({"dtype": "fp7"}, "dtype is 'fp7' and its bytes are not known"),
        (
            {"config": {"model_type": "lama"}},
            "'lama' is none whose parameters are counted, did you mean 'llama'?",
        ),
        ({"config": {"model_type": "llama", "hidden_size": 8}}, "needs num_hidden_layers, num_attention_heads"),
        ({"config": LLAMA | {"hidden_size": "8"}}, "hidden_size is '8' and a whole number from 1"),
        ({"config": LLAMA | {"quantization_config": {"quant_method": "new"}}}, "'new' is none whose bytes are known"),
    ],
)
def test_what_is_no_fact_is_refused(written: Any, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        model_of_facts(written)
    assert said in str(refusal.value)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(hub_models())), st.data())
def test_any_config_is_counted_or_refused(name: str, data: st.DataObject) -> None:
    config = dict(hub_models()[name])
    for key in data.draw(st.lists(st.sampled_from([*config, *OTHERS]), max_size=3)):
        config[key] = data.draw(ANYTHING)
    with suppress(UsageError):
        assert isinstance(model_of_config(config, name), Model)


@pytest.mark.parametrize(
    ("weights", "quantization", "group_size"),
    [
        ({"type": "float", "num_bits": 8, "group_size": None}, "fp8", None),
        ({"type": "int", "num_bits": 4, "group_size": 128}, "int4", 128),
        ({"type": "int", "num_bits": 8, "group_size": -1}, "int8", None),
    ],
)
def test_compressed_tensors_say_their_bits_and_groups(
    weights: dict[str, Any], quantization: str, group_size: int | None
) -> None:
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}
    found = model_of_config(LLAMA | {"quantization_config": said})
    assert (found.quantization, found.group_size) == (quantization, group_size)


def test_compressed_tensors_of_two_kinds_are_not_guessed() -> None:
    groups = {str(bits): {"weights": {"type": "int", "num_bits": bits}} for bits in (4, 8)}
    with pytest.raises(UsageError, match="'compressed-tensors' is none whose bytes are known"):
        model_of_config(
            LLAMA | {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": groups}}
        )
