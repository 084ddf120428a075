from __future__ import annotations

from serving import memory
from slipway.specs import multi_model_rules as rules
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec


def test_specs_account_for_models_as_the_server_does() -> None:
    server = (memory.SHARE_OF_MODELS, memory.BYTES_PER_BYTE, memory.BYTES_PER_MODEL)
    assert server == (rules.SHARE_OF_MODELS, rules.BYTES_PER_BYTE, rules.BYTES_PER_MODEL)


def test_models_have_what_the_environment_says_else_a_share_of_the_machine() -> None:
    spec = MultiModelEndpointSpec(kind="multi-model", models=("digits",), instance_type="ml.c7i.xlarge")
    assert rules.models_memory_mib(spec) == int(8192 * 0.7)
    given = spec.model_copy(update={"environment": {"SLIPWAY_MODELS_MEMORY_MIB": "64"}})
    assert rules.models_memory_mib(given) == 64
