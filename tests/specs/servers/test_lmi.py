"""What LMI makes of a language model, on which machine, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from slipway.catalog import hub_models, instance_types
from slipway.fit import Model, Options, model_of_config, options_of_properties, plan
from slipway.specs.artifact import Artifact
from slipway.specs.language_artifact import LanguageFacts, LockedLanguage
from slipway.specs.location import Location
from slipway.specs.lock import LockedModel
from slipway.specs.manifest import Archive
from slipway.specs.servers.lmi import Lmi

if TYPE_CHECKING:
    from pathlib import Path

GPT_J, LLAMA = "EleutherAI/gpt-j-6b", "meta-llama/Llama-2-70b-hf"
PLACE = Location(
    uri="s3://models/gpt-j/",
    key_arn="arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666",
    account="111122223333",
    region="eu-west-1",
)


@pytest.fixture
def artifact(tmp_path: Path) -> Any:
    """Make an artifact of a public model's shape, with its degrees planned as a build plans them."""

    def make(shape: str = GPT_J, *, at: Location | None = None, longest: int | None = None, **facts: Any) -> Artifact:
        model = model_of_config(hub_models()[shape], shape)
        known = {name: getattr(model, name) for name in LanguageFacts.model_fields} | {"dtype": "fp16"} | facts
        size = known["weight_bytes"] or int(2 * (model.parameters or 0))
        language = LockedLanguage(
            architecture="GPTJForCausalLM",
            precision="as-is",
            facts=LanguageFacts(**known),
            max_model_len=longest,
            degrees=planned(known | {"parameters": None, "weight_bytes": size}, longest),
            files=("chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"),
        )
        locked = LockedModel(
            digest="ab" * 32,
            sources="cd" * 32,
            target="llm",
            archive=Archive(sha256="ef" * 32, size_bytes=size),
            reference_bytes=size,
            metric="next_token_agreement",
            value=1.0,
            recipe="as-is",
            layout="prefix",
            benchmark=(),
            location=at,
            language=language,
        )
        return Artifact("writer", locked, tmp_path / "model")

    return make


def planned(facts: dict[str, Any], longest: int | None) -> dict[str, int]:
    model = Model("writer", **facts | ({} if longest is None else {"max_tokens": longest}))
    plans = {name: plan(model, Options(engine="vllm"), machine) for name, machine in instance_types().items()}
    return {name: it.degree for name, it in plans.items() if it is not None and it.degree is not None}


def problems(artifact: Artifact, machine: str = "ml.g5.12xlarge", **options: Any) -> list[str]:
    found = Lmi(name="lmi", **options).problems(artifact, instance_types()[machine])
    return [f"{'.'.join(map(str, keys))}: {message}" for keys, message in found]


def written(artifact: Artifact, machine: str = "ml.g5.12xlarge", **options: Any) -> dict[str, str]:
    return Lmi(name="lmi", **options).told(artifact, instance_types()[machine])


def test_degree_is_the_planned_one_and_copies_take_the_rest(artifact: Any) -> None:
    gpt_j = artifact()
    assert problems(gpt_j) == []
    assert written(gpt_j)["tensor_parallel_degree"] == "1"
    assert written(gpt_j, tensor_parallel_degree="max")["tensor_parallel_degree"] == "4"
    assert written(artifact(LLAMA), "ml.g5.48xlarge")["tensor_parallel_degree"] == "8"


@pytest.mark.parametrize("options", [{"enable_lora": True}, {"lmcache_auto_config": True}])
def test_degree_is_the_widest_where_lmi_serves_one_copy_alone(artifact: Any, options: dict[str, Any]) -> None:
    assert written(artifact(), **options)["tensor_parallel_degree"] == "4"


def test_options_lie_beside_files_that_are_uploaded_and_are_variables_where_they_stay(artifact: Any) -> None:
    server, machine = Lmi(name="lmi", max_rolling_batch_size=8), instance_types()["ml.g5.12xlarge"]
    here, there = artifact(), artifact(at=PLACE)
    files = server.layout(here, machine)
    assert files is not None
    text = files["serving.properties"]
    assert isinstance(text, bytes)
    assert options_of_properties(text.decode()).sequences == 8
    assert {name for name, content in files.items() if name == content} == set(here.locked.language.files)
    assert server.variables(here, machine) == {"HF_HUB_OFFLINE": "1"}
    assert server.layout(there, machine) is None
    assert server.variables(there, machine)["OPTION_MAX_ROLLING_BATCH_SIZE"] == "8"
    assert not any(name in server.variables(there, machine) for name in ("HF_MODEL_ID", "OPTION_MODEL_ID"))


def test_queue_is_the_servers_own_affair_in_the_file_and_in_variables(artifact: Any) -> None:
    server, machine = Lmi(name="lmi", job_queue_size=12), instance_types()["ml.g5.12xlarge"]
    files = server.layout(artifact(), machine)
    assert files is not None
    text = files["serving.properties"]
    assert isinstance(text, bytes)
    assert text.decode().splitlines()[:2] == ["engine=Python", "job_queue_size=12"]
    assert "option.job_queue_size" not in text.decode()
    told = server.variables(artifact(at=PLACE), machine)
    assert told["SERVING_JOB_QUEUE_SIZE"] == "12"
    assert "OPTION_JOB_QUEUE_SIZE" not in told
    plain = Lmi(name="lmi").variables(artifact(at=PLACE), machine)
    assert "SERVING_JOB_QUEUE_SIZE" not in plain


def test_longest_sequence_is_the_one_that_was_planned_for(artifact: Any) -> None:
    assert "max_model_len" not in written(artifact())
    assert written(artifact(longest=1024))["max_model_len"] == "1024"
    assert written(artifact(longest=1024), max_model_len=512)["max_model_len"] == "512"


def test_startup_outlasts_loading_which_outlasts_what_is_estimated(artifact: Any) -> None:
    gpt_j, large = artifact(), artifact(weight_bytes=350 << 30)
    assert int(written(gpt_j)["model_loading_timeout"]) == 360
    assert int(written(large, "ml.p4de.24xlarge")["model_loading_timeout"]) == 2100
    assert Lmi(name="lmi").least_startup_seconds(large) == 2220
    assert Lmi(name="lmi", model_loading_timeout=3000).least_startup_seconds(large) == 3120


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no GPU": ({}, {"machine": "ml.c7i.xlarge"}, "'lmi' needs an NVIDIA GPU"),
    "Neuron": ({}, {"machine": "ml.inf2.48xlarge"}, "'lmi' needs an NVIDIA GPU"),
    "too large": ({"shape": LLAMA}, {}, "no degree of 'ml.g5.12xlarge' holds 'writer'"),
    "more than GPUs": ({}, {"tensor_parallel_degree": 8}, "8 is more than the 4 GPUs"),
    "idle": ({}, {"tensor_parallel_degree": 3}, "leaves 1 of the 4 GPUs"),
    "heads": ({"attention_heads": 14, "kv_heads": 14}, {"tensor_parallel_degree": 4}, "does not divide 14 attention"),
    "max and heads": ({"attention_heads": 14}, {"tensor_parallel_degree": "max"}, "use one of 1, 2"),
    "keys": ({"kv_heads": 6, "attention_heads": 24}, {"tensor_parallel_degree": 4}, "of which 6 hold keys"),
    "quantised": ({"quantization": "int4"}, {"quantize": "fp8"}, "the weights are int4 already"),
    "quantised, in 32 bits": ({"quantization": "int4"}, {"dtype": "fp32"}, "computes in 16 bits"),
    "bf16 on a T4": ({}, {"dtype": "bf16", "machine": "ml.g4dn.12xlarge"}, "computes in no bf16"),
    "too long": ({}, {"max_model_len": 4096}, "4,096 is more than the 2,048 positions"),
    "step": (
        {},
        {"max_rolling_batch_prefill_tokens": 512, "enable_chunked_prefill": False},
        "a prompt of 2,048 tokens is read in one step",
    ),
    "template": ({}, {"chat_template": "other.jinja"}, "'other.jinja' is none of the model's files"),
    "too short to load": ({}, {"model_loading_timeout": 120}, "120 s is less than the 360 s"),
    "too large to load": (
        {"weight_bytes": 800 << 30},
        {"machine": "ml.p5en.48xlarge"},
        "SageMaker waits 3,600 s at the longest",
    ),
    "long variable": ({"at": PLACE}, {"hf_overrides": {"note": "x" * 1100}}, "longer than the 1,024 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_served_is_refused(artifact: Any, case: str) -> None:
    facts, options, words = REFUSED[case]
    found = problems(artifact(**facts), **options)
    assert len(found) == 1, found
    assert words in found[0]


def test_sequence_beyond_the_positions_is_let_in_where_they_are_scaled(artifact: Any) -> None:
    overrides = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}
    assert problems(artifact(), max_model_len=8192, hf_overrides=overrides) == []


def test_weights_that_are_made_smaller_while_they_load_need_a_degree_of_ones_own(artifact: Any) -> None:
    [message] = problems(artifact(LLAMA), quantize="fp8")
    assert "ask `slipway fit writer --instance-type ml.g5.12xlarge` with --quantize" in message
    assert problems(artifact(LLAMA), quantize="fp8", tensor_parallel_degree=4) == []


def test_image_is_aws_own_and_its_driver_as_new_as_its_cuda() -> None:
    machine = instance_types()["ml.g5.12xlarge"]
    new, old = Lmi(name="lmi"), Lmi(name="lmi", version="0.35.0")
    assert new.image("eu-west-1", machine) == (
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
    )
    assert new.ami("eu-west-1", machine) == "al2023-ami-sagemaker-inference-gpu-4-1"
    assert old.ami("eu-west-1", machine) is None


def test_serverless_has_no_gpu(artifact: Any) -> None:
    [(keys, message)] = Lmi(name="lmi").problems(artifact(), None)
    assert (keys, "serverless has none" in message) == ((), True)
