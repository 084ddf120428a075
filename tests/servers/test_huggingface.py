"""The layout of `server: huggingface`, in the real multi-model-server with Hugging Face's toolkit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from serving.engine import Ask
from slipway.specs.servers import HuggingFace
from tests.servers import tiny
from tests.servers.toolkits import (
    JSON,
    MACHINE,
    SENTENCES,
    answered,
    artifact,
    get,
    huggingface,
    lay_out,
    listening,
    post,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.engine import Engine

pytestmark = pytest.mark.slow
PROMPT, TOKENS = "the small boat", [2, 5, 6]  # places in the vocabulary of the tests
ASKED: dict[str, Any] = {
    "inputs": PROMPT,
    "parameters": {"max_new_tokens": 12, "do_sample": False, "return_tensors": True},
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """One with our code and one with a pipeline, which start at the same time."""
    base = tmp_path_factory.mktemp("huggingface")
    own, minilm = HuggingFace(name="huggingface", workers=1), artifact("minilm")
    lay_out(minilm, own, base / "own" / "model")
    pipeline, llama = HuggingFace(name="huggingface", workers=1), tiny.artifact("llama", base / "llama")
    lay_out(llama, pipeline, base / "pipeline" / "model")
    with (
        huggingface(base / "own", own.variables(minilm, MACHINE), {"inputs": ["ready?"]}) as first,
        huggingface(base / "pipeline", pipeline.variables(llama, MACHINE), ASKED) as second,
    ):
        answered(first, second)
        yield f"http://127.0.0.1:{first.port}", f"http://127.0.0.1:{second.port}"


@pytest.fixture(scope="module")
def server(servers: tuple[str, str]) -> str:
    return servers[0]


def test_pipeline_goes_on_as_the_original_with_files_that_transformers_5_wrote(servers: tuple[str, str]) -> None:
    [told] = post(f"{servers[1]}/invocations", json=ASKED).json()
    tokens = [token for token, _ in tiny.greedy("llama", TOKENS, 12)]
    assert len(set(tokens)) > 2  # else anything would agree
    assert told["generated_token_ids"] == [*TOKENS, *tokens]


def test_pipeline_says_what_is_wrong_with_a_request(servers: tuple[str, str]) -> None:
    wrong = {"inputs": PROMPT, "parameters": {"max_new_token": 3}}
    got = post(f"{servers[1]}/invocations", json=wrong)
    assert got.status_code == 400
    assert "max_new_token" in got.json()["message"]


@pytest.mark.parametrize("accept", ["application/json", "application/x-npy"])
def test_it_answers_as_our_own_server_does_byte_for_byte(server: str, engine: Engine, accept: str) -> None:
    body = json.dumps({"inputs": SENTENCES}).encode()
    assert get(f"{server}/ping").status_code == 200
    got = post(f"{server}/invocations", content=body, headers=JSON | {"accept": accept})
    assert (got.status_code, got.headers["content-type"]) == (200, accept)
    assert got.content == engine.answer(Ask(body, "application/json", accept), alone=True).body


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        (JSON, b'{"inputs": [3]}', "inputs[0]: a number where a text belongs"),
        ({"content-type": "text/csv"}, b"a,b", "content-type 'text/csv' is not accepted, application/json is"),
    ],
)
def test_a_bad_request_is_answered_with_400_and_the_reason(
    server: str, headers: dict[str, str], body: bytes, words: str
) -> None:
    """The toolkit knows no other status."""
    got = post(f"{server}/invocations", content=body, headers=headers)
    assert (got.status_code, got.json()["message"]) == (400, words)


def test_a_big_request_reaches_the_model(server: str) -> None:
    """multi-model-server's own limit is 6.25 MiB, beyond which it answers 413 and closes."""
    got = post(f"{server}/invocations", content=b" " * 9_000_000 + b'{"inputs": ["a"]}', headers=JSON)
    assert (got.status_code, len(got.json()["embeddings"])) == (200, 1)


def test_layout_leaves_transformers_the_tokenizers_that_it_was_made_for() -> None:
    laid = HuggingFace(name="huggingface").layout(artifact("minilm"), MACHINE)
    assert laid is not None
    assert laid["code/requirements.txt"] == b"numpy==2.4.6\nopenvino==2026.4.1\norjson==3.13.0\n"


def test_it_listens_on_loopback_alone(servers: tuple[str, str]) -> None:
    heard = listening(servers[0])
    assert heard
    assert {address for address, _ in heard} <= {"127.0.0.1", "::ffff:127.0.0.1"}
