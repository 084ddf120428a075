"""Requests that come together are asked of the model at once, and nobody's answer shows it."""

from __future__ import annotations

import json
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.batching import MOST_PADDING, Padding, Prepared, groups, join
from tests.serving.conftest import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.serving.conftest import Answer, Gated, Server

JOINED = {"SLIPWAY_THREADS": "2", "SLIPWAY_BATCH_SIZE": "8", "SLIPWAY_BATCH_DELAY_US": "400000"}
PADDING = Padding({"input_ids": 7, "attention_mask": 0}, left=False)


def at_once(server: Server, documents: list[Any], **headers: str) -> list[Answer]:
    with ThreadPoolExecutor(len(documents)) as pool:
        return list(pool.map(lambda document: server.ask(document, headers=headers), documents))


def asked(server: Server) -> tuple[int, int]:
    """Return how many answered requests saw a model that was given more than one input, and how many there were."""
    text = server.ask(method="GET", path="/metrics").body.decode()
    numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    whole = int(numbers["slipway_batch_inputs_count"])
    return whole - int(numbers['slipway_batch_inputs_bucket{le="1"}']), whole


@pytest.fixture(scope="module")
def texts() -> list[str]:
    random = np.random.default_rng(13)
    return [" ".join(random.choice(WORDS[2:], size)) for size in random.integers(1, 7, 48)]


@pytest.fixture
def joining(start: Callable[..., Any], encoder: Path) -> Iterator[Server]:
    with start(encoder, **JOINED) as server:
        yield server


def test_answers_are_those_of_requests_that_come_alone(joining: Server, texts: list[str]) -> None:
    alone = [joining.ask({"inputs": [text]}).document["embeddings"][0] for text in texts[:2]]
    assert asked(joining) == (0, 2)
    answers = at_once(joining, [{"inputs": [text]} for text in texts])
    together = [answer.document["embeddings"][0] for answer in answers]
    np.testing.assert_allclose(together[:2], alone, atol=1e-6)
    joining.wait_for(lambda: asked(joining)[1] == 50)
    assert asked(joining)[0] >= 24, "they were joined"
    in_one = joining.ask({"inputs": texts}).document["embeddings"]
    np.testing.assert_allclose(together, in_one, atol=1e-6)
    assert {line["batch"] for line in joining.requests()[:50]} == {1}


def test_requests_are_joined_without_a_delay_while_the_threads_are_busy(
    start: Callable[..., Any], gated: Gated
) -> None:
    with start(gated.folder, SLIPWAY_THREADS="1", SLIPWAY_BATCH_SIZE="4") as server, ThreadPoolExecutor(9) as pool:
        slow = pool.submit(server.ask, gated.body())
        server.wait_for(gated.is_reached)
        quick = [pool.submit(server.ask, {"inputs": [[0.5, 0.1, 0.2, 0.3]]}) for _ in range(8)]
        server.wait_for_admitted(9)
        gated.open()
        assert {future.result().status for future in [slow, *quick]} == {200}
        server.wait_for(lambda: asked(server) == (8, 9))


def test_bad_input_fails_nobody_else(joining: Server, texts: list[str]) -> None:
    good = [{"inputs": [text]} for text in texts[:14]]
    answers = at_once(joining, [*good, {"inputs": [7]}, {"inputs": []}])
    assert [answer.status for answer in answers] == [200] * 14 + [400] * 2
    assert "inputs[0]: a number where a text belongs" in answers[14].message
    assert "inputs: empty" in answers[15].message


def test_answer_that_is_not_finite_fails_nobody_else(start: Callable[..., Any], fragile: Path) -> None:
    inputs = [[1.0, 2.0, 4.0], [1.0, -2.0, 4.0], *[[float(number), 1.0, 1.0] for number in range(1, 7)]]
    with start(fragile, **JOINED) as server:
        answers = at_once(server, [{"inputs": [row]} for row in inputs])
        assert [answer.status for answer in answers] == [200, 500] + [200] * 6
        scores = answers[0].document["predictions"][0]["scores"]
        np.testing.assert_allclose(scores, np.array(inputs[0]) / 7, atol=1e-6)
        server.wait_for_status(200)


def test_formats_may_differ_within_a_batch(joining: Server, texts: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        kinds = ["application/json", "application/x-npy", "application/jsonlines", "application/json"] * 2
        futures = [pool.submit(joining.ask, {"inputs": texts[:2]}, headers={"Accept": kind}) for kind in kinds]
        answers = [future.result() for future in futures]
    assert [answer.headers["content-type"] for answer in answers] == kinds
    assert answers[0].document == answers[7].document
    assert len(answers[2].body.splitlines()) == 2


def test_request_of_a_client_who_left_is_skipped(
    start: Callable[..., Any], gated: Gated, lasting: Callable[[float], dict[str, Any]]
) -> None:
    long = json.dumps(lasting(30)).encode()
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\nx-request-id: left\r\ncontent-length: %d\r\n\r\n"
    with start(gated.folder, SLIPWAY_THREADS="1", SLIPWAY_BATCH_SIZE="8") as server, ThreadPoolExecutor(3) as pool:
        busy = pool.submit(server.ask, gated.body())
        server.wait_for(gated.is_reached)
        leavers = [server.connect() for _ in range(3)]
        for leaver in leavers:
            leaver.sendall(head % len(long) + long)
        stayed = pool.submit(server.ask, {"inputs": [[0.5, 0.1, 0.2, 0.3]]})
        server.wait_for_admitted(5)
        for leaver in leavers:
            leaver.close()
        server.wait_for_admitted(2)
        began = time.monotonic()
        gated.open()
        assert busy.result().status == 200
        assert stayed.result().status == 200
        assert time.monotonic() - began < 45  # of 90 s of work that was left behind
        server.wait_for(lambda: [it["status"] for it in server.requests() if it["request_id"] == "left"] == [499] * 3)


def test_drain_answers_what_is_being_gathered(start: Callable[..., Any], encoder: Path) -> None:
    slow = JOINED | {"SLIPWAY_BATCH_DELAY_US": "1000000"}  # the most that there may be
    with start(encoder, **slow) as server, ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(server.ask, {"inputs": ["a ship"]}) for _ in range(5)]
        server.wait_for(lambda: sum(answer.done() for answer in answers) + server.admitted() == 5)
        server.send(signal.SIGTERM)
        assert [answer.result().status for answer in answers] == [200] * 5
        assert server.wait() == 0


def refused(start: Callable[..., Any], folder: Path, *words: str, **environment: str) -> None:
    with start(folder, ready=False, **(JOINED | environment)) as server:
        assert server.wait() == 2
        assert len(server.errors.splitlines()) == 1
        for word in ("SLIPWAY_BATCH_SIZE", *words):
            assert word in server.errors


@pytest.fixture
def fixed(classifier: Path, tmp_path: Path) -> Path:
    """The classifier, by its manifest for one input at a time."""
    folder = tmp_path / "fixed"
    shutil.copytree(classifier, folder)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('["batch", 4]', "[1, 4]"))
    return folder


def test_fixed_batch_is_refused_at_the_start(start: Callable[..., Any], fixed: Path) -> None:
    refused(start, fixed, "'x' of 'tiny' has a fixed batch of 1")


def test_graph_that_takes_one_whatever_its_manifest_says_is_refused(
    start: Callable[..., Any], classifier: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "fixed"
    shutil.copytree(classifier, folder)
    model = onnx.load(folder / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, folder / "model.onnx")
    refused(start, folder, "does not take two requests at once")


def settled(server: Server) -> object:
    """Return what the log says of joining."""
    [ready] = [line for line in server.log if line["event"] == "ready"]
    return ready["batch_size"]


def test_unasked_requests_are_joined_where_the_answers_stay_the_same(
    start: Callable[..., Any], encoder: Path, classifier: Path
) -> None:
    for folder in (encoder, classifier):
        with start(folder) as server:
            assert settled(server) == 8


def test_unasked_a_model_is_asked_one_by_one_where_others_change_its_answer(
    start: Callable[..., Any], classifier: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dynamic"
    shutil.copytree(classifier, folder)
    model = onnx.load(folder / "model.onnx")
    [name] = [tensor.name for tensor in model.graph.input]
    for node in model.graph.node:
        node.input[:] = ["restored" if each == name else each for each in node.input]
    scaled = onnx.helper.make_node("DynamicQuantizeLinear", [name], ["q", "step", "origin"])
    model.graph.node.insert(0, scaled)
    model.graph.node.insert(1, onnx.helper.make_node("DequantizeLinear", ["q", "step", "origin"], ["restored"]))
    onnx.save(model, folder / "model.onnx")
    with start(folder) as server:
        assert settled(server) == 1
    with start(folder, **JOINED) as server:
        assert settled(server) == 8


def test_unasked_a_graph_that_takes_one_is_asked_one_by_one(start: Callable[..., Any], fixed: Path) -> None:
    with start(fixed) as server:
        assert settled(server) == 1


def test_many_models_are_not_joined(start: Callable[..., Any], tmp_path: Path) -> None:
    refused(start, tmp_path, "many models", SAGEMAKER_MULTI_MODEL="true")


def request(place: int, lengths: list[int]) -> Prepared:
    """Texts of consecutive token ids, padded to the longest of them."""
    longest = max(lengths)
    ids = np.array([[*range(100, 100 + length), *[7] * (longest - length)] for length in lengths])
    mask = np.array([[1] * length + [0] * (longest - length) for length in lengths])
    return Prepared(place, {"input_ids": ids, "attention_mask": mask}, len(lengths), 0.0)


@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=4), min_size=1, max_size=12), st.integers(2, 8))
def test_groups_hold_every_request_once_and_waste_little(lengths: list[list[int]], most: int) -> None:
    requests = [request(place, each) for place, each in enumerate(lengths)]
    found = list(groups(requests, PADDING, most))
    assert sorted(each.place for group in found for each in group) == list(range(len(requests)))
    for group in found:
        inputs = sum(each.batch for each in group)
        joined = join(group, PADDING)["attention_mask"]
        assert inputs <= most or len(group) == 1
        assert joined.size <= MOST_PADDING * sum(each.batch * each.length for each in group)


@pytest.mark.parametrize("side", ["left", "right"])
def test_join_keeps_each_text_and_fills_up_the_rest(side: str) -> None:
    joined = join([request(0, [2]), request(1, [4, 3])], Padding(PADDING.values, left=side == "left"))
    short = [7, 7, 100, 101] if side == "left" else [100, 101, 7, 7]
    assert joined["input_ids"].tolist() == [short, [100, 101, 102, 103], [100, 101, 102, 7]]
    assert joined["attention_mask"].tolist()[0] == ([0, 0, 1, 1] if side == "left" else [1, 1, 0, 0])


def test_tensors_are_joined_when_their_shapes_are_the_same() -> None:
    shapes = [(1, 3, 8), (2, 3, 8), (1, 3, 9), (1, 3, 8)]
    requests = [Prepared(place, {"x": np.zeros(shape)}, shape[0], 0.0) for place, shape in enumerate(shapes)]
    assert [[each.place for each in group] for group in groups(requests, None, 4)] == [[0, 1, 3], [2]]
