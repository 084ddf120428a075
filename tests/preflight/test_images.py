from __future__ import annotations

import time
from typing import Any

import pytest

from slipway.preflight import check
from slipway.preflight.downloads import billions
from slipway.preflight.images import parse, tail
from slipway.preflight.rules.image_without_tag import fixed
from slipway.preflight.values import UNKNOWN, link

AWS = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/"
ROLE = "arn:aws:iam::111122223333:role/hosting"


@pytest.mark.parametrize(
    ("image", "account", "region", "repository", "tag", "digest"),
    [
        (f"{AWS}djl-inference:0.27.0", "763104351884", "eu-west-1", "djl-inference", "0.27.0", None),
        (f"{AWS}team/server", "763104351884", "eu-west-1", "team/server", None, None),
        (f"{AWS}server:1@sha256:0a", "763104351884", "eu-west-1", "server", "1", "sha256:0a"),
        ("727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/a:1", "727897471807", "cn-north-1", "a", "1", None),
        ("442386744353.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a:1", "442386744353", "us-gov-west-1", "a", "1", None),
        ("763104351884.dkr-ecr.eu-west-1.on.aws/a:1", "763104351884", "eu-west-1", "a", "1", None),
    ],
)
def test_image_is_taken_apart(
    image: str, account: str, region: str, repository: str, tag: str | None, digest: str | None
) -> None:
    found = parse(image)
    assert found is not None
    assert (found.account, found.region, found.repository, found.tag, found.digest) == (
        account,
        region,
        repository,
        tag,
        digest,
    )


@pytest.mark.parametrize(
    "image", [UNKNOWN, None, 7, ["a"], "server:1", "docker.io/server:1", f"{AWS}{link('Name')}:1", link("Repository")]
)
def test_nothing_is_claimed_of_an_image_that_is_not_known(image: Any) -> None:
    assert parse(image) is None


@pytest.mark.parametrize(
    ("image", "server", "accelerator", "architecture"),
    [
        ("djl-inference:0.36.0-lmi18.0.0-cu128", "djl-lmi", "gpu", "x86_64"),  # a release that the tables leave out
        ("mirror/djl-inference:0.38.0-lmi29.0.0-cu130", "djl-lmi", "gpu", "x86_64"),
        ("djl-inference:0.36.0-cpu-full", None, "cpu", "x86_64"),
        ("sagemaker-tritonserver:26.05-py3-cpu", "sagemaker-tritonserver", "cpu", "x86_64"),
        ("pytorch-inference-neuronx:2.7.0-neuronx-py310-sdk2.24.1-ubuntu22.04", None, "neuron", "x86_64"),
        ("server:1.4-gpu", None, None, None),
        ("server:1.4-arm64", None, None, "arm64"),
        ("amd64/server:1.4", None, None, "x86_64"),
        ("server:arm64-or-amd64", None, None, None),
        ("sagemaker-xgboost:1.7-1", "xgboost", None, "x86_64"),
    ],
)
def test_image_is_known_by_its_repository_and_tag(
    image: str, server: str | None, accelerator: str | None, architecture: str | None
) -> None:
    found = parse(AWS + image)
    assert found is not None
    assert (found.server, found.accelerator, found.architecture) == (server, accelerator, architecture)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"{AWS}server:1.4.2", True),
        (f"{AWS}server@sha256:0a1b", True),
        (f"{AWS}server:latest@sha256:0a1b", True),
        (link("Repository", "RepositoryUri"), True),  # what the reference ends in, only a deployment knows
        (f"{link('Repository', 'RepositoryUri')}:1.4.2", True),
        (f"{link('Repository', 'RepositoryUri')}:latest", False),
        (f"{AWS}{link('Repository')}", True),
        (f"{AWS}server:latest", False),
        (f"{AWS}server:gpu-latest", False),
        (f"{AWS}server", False),
        (f"{AWS}xgboost-neo:latest", True),  # AWS publishes no other
    ],
)
def test_tag_is_fixed_as_far_as_its_owner_keeps_to_it(image: str, *, expected: bool) -> None:
    assert fixed(image) is expected


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("s3://b/k/", "s3://b/k/"),
        (f"s3://{link('B')}/k", "/k"),
        (f"s3://{link('B')}", None),
        (UNKNOWN, None),
        ("", None),
    ],
)
def test_end_of_a_text_is_what_stands_after_its_last_reference(text: Any, end: str | None) -> None:
    assert tail(text) == end


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", 70),
        ("mistralai/Mixtral-8x7B-v0.1", 56),
        ("Qwen/Qwen2.5-0.5B", 0.5),
        ("EleutherAI/gpt-neox-20b", 20),
        ("BAAI/bge-base-en", None),
        ("someone/4bit-model", None),
    ],
)
def test_size_of_a_model_is_read_from_its_name(model: str, size: float | None) -> None:
    assert billions(model) == size


# Shapes that are right, beside ones that are not: no rule may speak of them.
@pytest.mark.parametrize(
    "container",
    [
        {"Image": f"{AWS}djl-inference:0.36.0-lmi18.0.0-cu128"},
        {"Image": f"{AWS}djl-inference:0.36.0-cpu-full"},
        {"Image": f"{AWS}djl-inference:0.40.0-lmi31.0.0-cu130"},  # newer than the tables
        {"Image": f"{AWS}huggingface-pytorch-inference:2.6-transformers4.51-gpu-py312"},  # AWS's short form
        {"Image": f"{AWS}some-new-server:1.0"},
        {"Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:mine"},
        {"Image": "slipway/onnxruntime:local"},
        {"Image": f"{AWS}vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker-v1.2"},
        {"ModelPackageName": "ranker/3"},
        {"Image": f"{AWS}server:1", "ModelDataUrl": "https://s3.eu-west-1.amazonaws.com/models/model.tar.gz"},
        {"Image": f"{AWS}server:1", "ModelDataUrl": "https://models.s3.amazonaws.com/model.tar.gz"},
        {
            "Image": f"{AWS}server:1",
            "Environment": {"DB_PASSWORD": "", "TOKEN": "arn:aws:ssm:eu-west-1:1:x"},
        },
        {"Image": f"{AWS}server:1", "Environment": {"DB_SECRET": "prod/db/reader", "OPENAI_API_KEY": "EMPTY"}},
        {"Image": f"{AWS}server:1", "Environment": {"PAD_TOKEN": "<pad>", "EOS_TOKEN": "</s>", "HF_TOKEN": ""}},
        {"Image": f"{AWS}server:1", "Environment": {"MAX_TOKENS": "512", "TOKENIZER": "bert", "HF_HUB_OFFLINE": "1"}},
        {"Image": f"{AWS}server:1", "Environment": {"HF_MODEL_ID": "a/b", "OPTION_X": "y", "TS_X": "z"}},
        {"Image": f"{AWS}djl-inference:0.36.0-lmi27.0.0-cu130", "Environment": {"OPTION_SOME_NEW_THING": "1"}},
        {"Image": f"{AWS}djl-inference:0.36.0-lmi27.0.0-cu130", "Environment": {"HF_MODEL_ID": "/opt/ml/model"}},
    ],
    ids=str,
)
def test_container_that_is_right_has_no_findings(container: dict[str, Any]) -> None:
    properties = {"EnableNetworkIsolation": True, "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    template = {"Resources": {"Model": {"Type": "AWS::SageMaker::Model", "Properties": properties}}}
    assert check(template, region="eu-west-1") == []


def test_image_for_cpus_may_stand_beside_one_that_uses_the_gpu() -> None:
    pipeline = [
        {"Image": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"},
        {"Image": f"{AWS}huggingface-pytorch-inference:2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04"},
    ]
    script = {"SAGEMAKER_PROGRAM": "features.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    properties = {"EnableNetworkIsolation": True, "Containers": [{**pipeline[0], "Environment": script}, pipeline[1]]}
    model = {"Type": "AWS::SageMaker::Model", "Properties": {**properties, "ExecutionRoleArn": ROLE}}
    variant = {
        "VariantName": "main",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.g5.xlarge",
    }
    variants = [{**variant, "InitialInstanceCount": 2, "InitialVariantWeight": 1}]
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": variants}}
    assert check({"Resources": {"Model": model, "Config": config}}, region="eu-west-1") == []


@pytest.mark.parametrize(
    "text", ["eyJ" * 400_000, "https://" + "s3." * 400_000, "a/" * 500_000, "1.2" * 400_000, "x" * 2_000_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    environment = {"A": text, "HF_MODEL_ID": text, "OPTION_X": text, "SAGEMAKER_MODEL_SERVER_TIMEOUT": text}
    container = {"Image": f"{AWS}djl-inference:{text}", "ModelDataUrl": text, "Environment": environment}
    model = {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": container}}
    start = time.process_time()
    check({"Resources": {"Model": model}}, region="eu-west-1")
    assert time.process_time() - start < 5
