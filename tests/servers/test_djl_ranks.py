"""The handlers of djl-mpi and djl-deepspeed with two real ranks: from a request to the unsharded model's answer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_cloud.conftest import eventually
from tests.servers import tiny
from tests.servers.environments import environment
from tests.servers.hosted import Hosted, hosted

if TYPE_CHECKING:
    from collections.abc import Iterator

PROPERTIES = """engine=MPI
option.entryPoint=model.py
option.tensor_parallel_degree=2
option.dtype=fp32
"""
PROMPT = "the harbour ship"
SAMPLED: dict[str, Any] = {"do_sample": True, "temperature": 1.5, "top_k": 20, "max_new_tokens": 12, "details": True}

HELD = r"rank (\d) of 2 holds (\d+) of (\d+) weights"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def deepspeed() -> dict[str, str]:
    """Return the variable that lets ranks find DeepSpeed, which is too much for the project's own environment."""
    return {"SLIPWAY_DJL_PYTHON": str(environment("djl-deepspeed", over_project=True) / "bin" / "python")}


@pytest.fixture(scope="module", params=["djl-mpi llama", "djl-mpi neox", "djl-deepspeed llama", "djl-deepspeed neox"])
def asked(request: pytest.FixtureRequest) -> tuple[str, str]:
    server, family = request.param.split()
    return server, family


@pytest.fixture(scope="module")
def family(asked: tuple[str, str]) -> str:
    return asked[1]


@pytest.fixture(scope="module")
def host(
    asked: tuple[str, str], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosted]:
    server, family = asked
    folder = tmp_path_factory.mktemp(family)
    model = tiny.handled(tiny.save(family, folder / "model"), server, PROPERTIES)
    variables = request.getfixturevalue("deepspeed") if server == "djl-deepspeed" else {}
    with hosted(model, folder / "log", variables) as one:
        yield one


def prompt_tokens(host: Hosted) -> list[int]:
    """Return the prompt's tokens, as the model's own tokenizer makes them."""
    from transformers import AutoTokenizer

    folder = host.log_file.parent / "model"
    return [int(token) for token in AutoTokenizer.from_pretrained(folder)(PROMPT)["input_ids"]]


def test_each_rank_holds_a_part(host: Hosted) -> None:
    eventually(lambda: len(re.findall(HELD, host.log)) >= 2)  # the host answers before their words are passed on
    held = {rank: int(part) / int(whole) for rank, part, whole in re.findall(HELD, host.log)}
    assert sorted(held) == ["0", "1"]
    assert all(0.4 < part < 0.75 for part in held.values())  # norms and embedding are whole


def test_greedy_tokens_and_likelihoods_are_those_of_the_unsharded_model(host: Hosted, family: str) -> None:
    parameters = {"max_new_tokens": 12, "details": True, "logprobs": 64}
    details = host.ask({"inputs": PROMPT, "parameters": parameters})["details"]
    expected = tiny.greedy(family, prompt_tokens(host), 12)
    assert [token["id"] for token in details["tokens"]] == [token for token, _ in expected]
    for top, (_, likely) in zip(details["top_tokens"], expected, strict=True):
        assert len(top) == 64
        assert max(abs(one["log_prob"] - likely[one["id"]]) for one in top) < 2e-5
    assert len({token for token, _ in expected}) > 2  # else anything would agree


def test_a_stream_says_the_same(host: Hosted) -> None:
    body = {"inputs": PROMPT, "parameters": {"max_new_tokens": 8, "details": True}}
    whole = host.ask(body)
    kind, lines = host.stream({**body, "stream": True})
    said = [json.loads(line) for line in lines]
    assert kind == "application/jsonlines"
    assert [line["token"]["id"] for line in said] == [token["id"] for token in whole["details"]["tokens"]]
    assert "".join(line["token"]["text"] for line in said) == said[-1]["generated_text"] == whole["generated_text"]
    assert said[-1]["details"]["finish_reason"] == "length"


def test_ranks_sample_the_same_tokens_by_a_seed(host: Hosted) -> None:
    def tokens(seed: int | None) -> list[int]:
        answer = host.ask({"inputs": PROMPT, "parameters": SAMPLED | ({} if seed is None else {"seed": seed})})
        return [token["id"] for token in answer["details"]["tokens"]]

    assert tokens(7) == tokens(7)
    assert len({tuple(tokens(None)) for _ in range(4)}) > 1  # each rank dices for itself, and rank 0 decides


def test_a_bad_request_is_refused_and_the_next_one_answered(host: Hosted) -> None:
    wrong = host.ask({"inputs": PROMPT, "parameters": {"max_new_token": 3}}, status=424)
    assert "unknown or unsupported parameter 'max_new_token'" in wrong["error"]
    assert host.ask({"inputs": [PROMPT, "ship"], "parameters": {"max_new_tokens": 2}})[1]["generated_text"] is not None
