"""What a template puts on which machine, and how soon that is said."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest

from slipway.preflight import Template, check, read_template
from slipway.preflight.holding import held
from tests.preflight.conftest import HERE

LMI = read_template(HERE / "good" / "llm-lmi.yaml")


def with_variant(**settings: Any) -> dict[str, Any]:
    template = copy.deepcopy(LMI)
    template["Resources"]["Config"]["Properties"]["ProductionVariants"][0] |= settings
    return template


def messages(template: dict[str, Any], rule: str) -> list[str]:
    return [each.message for each in check(template, region="eu-west-1") if each.rule == rule]


def test_every_machine_of_a_pool_is_judged() -> None:
    pools = [{"InstanceType": "ml.g5.12xlarge", "Priority": 1}, {"InstanceType": "ml.g5.xlarge", "Priority": 2}]
    template = with_variant(InstancePools=pools)
    del template["Resources"]["Config"]["Properties"]["ProductionVariants"][0]["InstanceType"]
    assert [each.machine.name for each in held(Template(template))] == ["ml.g5.12xlarge", "ml.g5.xlarge"]
    [found] = [each for each in check(template) if each.rule == "TensorParallelAgainstGpus"]
    assert found.path == "ProductionVariants[0].InstancePools[1].InstanceType"


def test_degree_is_held_against_the_cores_of_neuron_devices() -> None:
    said = messages(with_variant(InstanceType="ml.inf2.xlarge"), "TensorParallelAgainstGpus")
    assert said == ["OPTION_TENSOR_PARALLEL_DEGREE is 4 and 'ml.inf2.xlarge' has 2 Neuron cores"]
    assert messages(with_variant(InstanceType="ml.inf2.48xlarge"), "TensorParallelAgainstGpus") == []


@pytest.mark.parametrize(
    "environment",
    [
        {"OPTION_CPU_OFFLOAD_GB_PER_GPU": "10"},
        {"OPTION_QUANTIZE": "of-tomorrow"},
        {"OPTION_DTYPE": {"Ref": "Later"}},
        {"OPTION_ENTRYPOINT": "model.py"},
    ],
)
def test_what_is_unclear_makes_no_finding(environment: dict[str, Any]) -> None:
    template = with_variant(InstanceType="ml.g5.xlarge")
    template["Parameters"]["Later"] = {"Type": "String"}
    container = template["Resources"]["Model"]["Properties"]["PrimaryContainer"]
    container["Environment"]["OPTION_TENSOR_PARALLEL_DEGREE"] = "1"
    assert messages(template, "ModelDoesNotFit")
    container["Environment"] |= environment
    assert messages(template, "ModelDoesNotFit") == []


def test_sequence_counts_under_a_server_that_reserves_it_alone() -> None:
    template = with_variant()
    environment = template["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"]
    environment["OPTION_MAX_MODEL_LEN"] = "131072"
    assert messages(template, "ModelDoesNotFit")
    environment["OPTION_ROLLING_BATCH"] = "disable"
    assert messages(template, "ModelDoesNotFit") == []


def test_model_that_may_lie_in_main_memory_is_not_held_against_gpus() -> None:
    template = with_variant(InstanceType="ml.g5.xlarge")
    template["Resources"]["Model"]["Metadata"]["slipway"]["model"] = {"weight_bytes": 60 << 30}
    del template["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"]
    assert messages(template, "ModelDoesNotFit") == []


def test_vllm_container_takes_one_gpu_where_nobody_says_more() -> None:
    template = read_template(HERE / "good" / "llm-vllm.yaml")
    del template["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"]["SM_VLLM_TENSOR_PARALLEL_SIZE"]
    assert messages(template, "TensorParallelLeavesGpusIdle") == [
        "without SM_VLLM_TENSOR_PARALLEL_SIZE the degree is 1: 7 of the 8 GPUs of 'ml.p4d.24xlarge' idle"
    ]
    assert len(messages(template, "ModelDoesNotFit")) == 1


def test_hundreds_of_models_are_judged_soon() -> None:
    resources = {
        f"{name}{number}": json.loads(json.dumps(resource).replace('"Model"', f'"Model{number}"'))
        for number in range(160)
        for name, resource in LMI["Resources"].items()
    }
    template = {**LMI, "Resources": resources}
    assert len([each for each in held(Template(template)) if each.model is not None]) == 160
    start = time.process_time()
    found = {each.rule for each in check({**LMI, "Resources": resources}, region="eu-west-1")}
    assert found <= {"FixedNameBlocksReplacement", "NameGivenTwice"}
    assert time.process_time() - start < 5
