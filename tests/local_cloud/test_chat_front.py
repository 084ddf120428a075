"""OpenAI's chat completions through API Gateway, the front's function and SageMaker, to a language model that answers.

The model is a small Llama; what serves it is the clean-room host of DJL's protocol, with transformers in vLLM's place.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from slipway import local_cloud
from slipway.specs.servers import Lmi
from slipway.specs.servers.lmi_properties import properties, settings
from tests.local_cloud.conftest import BUCKET, ROLE, Aws
from tests.local_cloud.rest_api import rest_api
from tests.model_build.conftest import WORDS
from tests.model_build.language import save_tokenizer
from tests.servers import tiny
from tests.servers.subjects import MPI

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.skipif(find_spec("slipway.local_cloud.hosts.djl") is None, reason="needs the clean-room host"),
]

ROOT = Path(__file__).parents[2]
FUNCTION = ROOT / "lambdas" / "stream"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
HELLO = {"messages": [{"role": "user", "content": "w1 w2"}], "max_tokens": 5, "temperature": 0}
PATIENT = {"ContainerStartupHealthCheckTimeoutInSeconds": 600}  # torch, once a rank, on a machine that is busy
TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"


def llama(folder: Path) -> None:
    torch.manual_seed(1)
    shape: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    shape |= {"vocab_size": len(WORDS) + 2, "max_position_embeddings": 128}
    config = LlamaConfig(**shape, initializer_range=0.4, eos_token_id=None, bos_token_id=None)
    model: Any = LlamaForCausalLM(config)
    model.eval().save_pretrained(folder)
    save_tokenizer(folder)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"chat_template": TEMPLATE}))
    told = settings(Lmi(name="lmi", dtype="fp32"), degree=1, loading_seconds=120, longest=64)
    (folder / "serving.properties").write_text(properties(told))


@pytest.fixture(scope="module", params=["lmi", "djl-mpi"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a chat front of a small language model, behind LMI or on two ranks of our own handler."""
    project, weights = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("weights")
    (project / "node_modules").symlink_to(ROOT / "node_modules")  # Lambda's runtime has the SDK
    llama(weights)
    if request.param == "djl-mpi":
        tiny.handled(weights, "djl-mpi", MPI)
    cloud = local_cloud.start(project, leash=True)
    try:
        aws = Aws(cloud)
        aws.upload("other.tar.gz", b"")  # makes the bucket
        for file in (path for path in weights.rglob("*") if path.is_file()):
            key = f"writer/{file.relative_to(weights)}"
            aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())
        source = {"S3DataType": "S3Prefix", "CompressionType": "None", "S3Uri": f"s3://{BUCKET}/writer/"}
        container = {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}}
        aws.sagemaker.create_model(ModelName="writer", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        aws.config(
            "writer", {"ModelName": "writer", "VariantName": "main", "InstanceType": "ml.g5.12xlarge", **PATIENT}
        )
        aws.endpoint("writer", "writer")
        path = rest_api(
            aws,
            "index.js",
            (FUNCTION / "index.js").read_text(encoding="utf-8"),
            {"SLIPWAY_ENDPOINT_NAME": "writer", "SLIPWAY_READ_TIMEOUT_SECONDS": "60", "SLIPWAY_STYLE": "chat"},
            {"/v1": "POST", "/v1/chat": "POST", "/v1/chat/completions": "POST"},
            timeout=62,
            beside={"chat.js": (FUNCTION / "chat.js").read_text(encoding="utf-8")},
        )
        yield f"http://127.0.0.1:{cloud.port}{urlsplit(path).path}/v1/chat/completions"
    finally:
        local_cloud.stop(cloud)


def ask(url: str, body: Any) -> httpx.Response:
    return httpx.post(url, json=body, timeout=240)


def test_chat_is_answered_as_openai_answers(url: str) -> None:
    answer = ask(url, HELLO)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    assert said["object"] == "chat.completion"
    [choice] = said["choices"]
    assert choice["message"]["role"] == "assistant"
    assert len(choice["message"]["content"].split()) == 5
    assert (choice["finish_reason"], said["usage"]["completion_tokens"]) == ("length", 5)


def test_stream_is_events_that_say_the_same(url: str) -> None:
    whole = ask(url, HELLO | {"model": "writer"}).json()["choices"][0]["message"]["content"]
    with httpx.stream("POST", url, json=HELLO | {"stream": True}, timeout=240) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    parts = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]]
    assert "".join(parts) == whole
    assert len([part for part in parts if part]) > 1


@pytest.mark.parametrize(
    ("body", "param"), [({"messages": []}, "messages"), (HELLO | {"temperature": 3}, "temperature")]
)
def test_request_that_is_none_never_reaches_the_model(url: str, body: Any, param: str) -> None:
    answer = ask(url, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_model_that_refuses_is_understood(url: str) -> None:
    for body in (HELLO | {"n": 2}, HELLO | {"n": 2, "stream": True}):  # OpenAI's, but not this server's
        answer = ask(url, body)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
        assert "'n' is 1 here" in error["message"]
