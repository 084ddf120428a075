"""The layout of `server: huggingface`, in the real multi-model-server with Hugging Face's toolkit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from serving.engine import Ask
from slipway.specs.servers import HuggingFace
from tests.servers.toolkits import JSON, MACHINE, SENTENCES, artifact, huggingface, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.engine import Engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec, minilm = HuggingFace(name="huggingface", workers=1, install=False), artifact("minilm")
    base = tmp_path_factory.mktemp("huggingface")
    lay_out(minilm, spec, base / "model")
    with huggingface(base, spec.variables(minilm, MACHINE), json.dumps({"inputs": ["ready?"]}).encode()) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("accept", ["application/json", "application/x-npy"])
def test_it_answers_as_our_own_server_does_byte_for_byte(server: str, engine: Engine, accept: str) -> None:
    body = json.dumps({"inputs": SENTENCES}).encode()
    assert httpx.get(f"{server}/ping").status_code == 200
    got = httpx.post(f"{server}/invocations", content=body, headers=JSON | {"accept": accept})
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
    got = httpx.post(f"{server}/invocations", content=body, headers=headers)
    assert (got.status_code, got.json()["message"]) == (400, words)


def test_a_big_request_reaches_the_model(server: str) -> None:
    """multi-model-server's own limit is 6.25 MiB, beyond which it answers 413 and closes."""
    got = httpx.post(f"{server}/invocations", content=b" " * 9_000_000 + b'{"inputs": ["a"]}', headers=JSON)
    assert (got.status_code, len(got.json()["embeddings"])) == (200, 1)
