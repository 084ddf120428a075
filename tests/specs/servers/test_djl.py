"""What djl-mpi and djl-deepspeed make of a language model, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.catalog import instance_types, tensor_plans
from slipway.specs.artifact import Artifact
from slipway.specs.language_artifact import LanguageFacts, LockedLanguage
from slipway.specs.lock import LockedModel
from slipway.specs.manifest import Archive
from slipway.specs.servers import DjlDeepSpeed, DjlMpi
from slipway.specs.servers.djl_ranks import CONTAINERS

ROOT = Path(__file__).parents[3]
MACHINE = instance_types()["ml.g5.12xlarge"]
MPI, DEEPSPEED = DjlMpi(name="djl-mpi"), DjlDeepSpeed(name="djl-deepspeed")


@pytest.fixture
def artifact(tmp_path: Path) -> Any:
    def make(architecture: str = "LlamaForCausalLM", **config: Any) -> Artifact:
        (tmp_path / "config.json").write_text(json.dumps(config))
        language = LockedLanguage(
            architecture=architecture,
            precision="as-is",
            facts=LanguageFacts(attention_heads=8, kv_heads=4, layers=2, max_tokens=2048),
            degrees={},
            files=("config.json", "model.safetensors"),
        )
        locked = LockedModel(
            digest="ab" * 32,
            sources="cd" * 32,
            target="llm",
            archive=Archive(sha256="ef" * 32, size_bytes=200 << 20),
            reference_bytes=1,
            metric="next_token_agreement",
            value=1.0,
            recipe="as-is",
            layout="prefix",
            benchmark=(),
            language=language,
        )
        return Artifact("writer", locked, tmp_path)

    return make


def said(server: Any, artifact: Artifact) -> str:
    return str(server.layout(artifact, MACHINE)["serving.properties"].decode())


def refused(server: Any, artifact: Artifact) -> list[str]:
    return [message for _, message in server.problems(artifact, MACHINE)]


def test_plans_are_those_of_the_transformers_that_is_installed() -> None:
    subprocess.run([sys.executable, "scripts/generate_tensor_plans.py", "--check"], cwd=ROOT, check=True)
    assert {"LlamaForCausalLM", "GPTNeoXForCausalLM"} < tensor_plans()
    assert "GPT2LMHeadModel" not in tensor_plans()


def test_layout_holds_the_files_the_handler_and_what_it_is_told(artifact: Any) -> None:
    server = DjlMpi(name="djl-mpi", dtype="bf16", max_model_len=512, job_queue_size=8, predict_timeout=30)
    layout = server.layout(artifact(), MACHINE)
    assert layout["model.safetensors"] == "model.safetensors"
    assert layout["model.py"] == (CONTAINERS / "djl" / "model_mpi.py").read_bytes()
    assert {f"textgen/{path.name}" for path in (CONTAINERS / "djl" / "textgen").glob("*.py")} < set(layout)
    assert said(server, artifact()).splitlines() == [
        "engine=MPI",
        "option.entryPoint=model.py",
        "option.tensor_parallel_degree=4",
        "option.dtype=bf16",
        "option.model_loading_timeout=301",
        "option.predict_timeout=30",
        "option.max_model_len=512",
        "job_queue_size=8",
    ]
    assert server.least_startup_seconds(artifact()) == 421


def test_images_are_the_lmi_image_and_the_last_with_deepspeed() -> None:
    assert "/djl-inference:0.38.0-lmi" in MPI.image("eu-west-1", MACHINE)
    assert "/djl-inference:0.27.0-deepspeed" in DEEPSPEED.image("eu-west-1", MACHINE)
    assert (MPI.ami("eu-west-1", MACHINE), DEEPSPEED.ami("eu-west-1", MACHINE)) == (
        "al2023-ami-sagemaker-inference-gpu-4-1",
        None,
    )


def test_a_model_without_a_plan_is_refused(artifact: Any) -> None:
    assert refused(MPI, artifact()) == refused(MPI, artifact("GPTNeoXForCausalLM")) == []
    [message] = refused(MPI, artifact("GPT2LMHeadModel"))
    assert message.startswith("'GPT2LMHeadModel' has no tp_plan, by which transformers would split 'writer': use")


def test_deepspeed_is_told_in_the_words_of_its_time(artifact: Any) -> None:
    server = DjlDeepSpeed(
        name="djl-deepspeed", replace_with_kernel_inject=True, triangular_masking=False, max_tokens=2048
    )
    lines = said(server, artifact()).splitlines()
    assert {"option.dtype=fp16", "option.triangular_masking=false", "option.max_tokens=2048"} < set(lines)
    assert "option.replace_with_kernel_inject=true" in lines


def test_quantised_weights_are_the_images_own_handlers(artifact: Any) -> None:
    server = DjlDeepSpeed(name="djl-deepspeed", quantize="smoothquant", smoothquant_alpha=0.5)
    assert "model.py" not in server.layout(artifact(), MACHINE)
    lines = said(server, artifact()).splitlines()
    assert {"option.entryPoint=djl_python.deepspeed", "option.quantize=smoothquant"} < set(lines)


@pytest.mark.parametrize(
    ("server", "architecture", "words"),
    [
        ({}, "Qwen3ForCausalLM", "DeepSpeed 0.12.6 splits no 'Qwen3ForCausalLM'"),
        ({}, "GPT2LMHeadModel", "'GPT2LMHeadModel' is split by kernels alone"),
        ({"replace_with_kernel_inject": True}, "MistralForCausalLM", "there are kernels for"),
        ({"quantize": "smoothquant"}, "OPTForCausalLM", "smoothquant is for"),
    ],
)
def test_what_deepspeed_cannot_split_is_refused(
    artifact: Any, server: dict[str, Any], architecture: str, words: str
) -> None:
    [message] = refused(DjlDeepSpeed(name="djl-deepspeed", **server), artifact(architecture))
    assert message.startswith(words)


def test_positions_that_older_transformers_would_overlook_are_refused(artifact: Any) -> None:
    assert refused(DEEPSPEED, artifact(rope_parameters={"rope_theta": 10_000.0, "rope_type": "default"})) == []
    assert refused(DEEPSPEED, artifact(rope_parameters={"rope_theta": 500_000.0}, rope_theta=500_000.0)) == []
    [message] = refused(DEEPSPEED, artifact(rope_parameters={"rope_theta": 500_000.0}))
    assert "the image's transformers 4.39 reads 'rope_theta'" in message
