"""The contract of a multi-model container, against the real server process."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.serving.conftest import Gated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.serving.conftest import Answer, Server

MULTI = {"SAGEMAKER_MULTI_MODEL": "true"}
WEIGHTS_MIB = 8


def write_heavy(folder: Path, *, mib: int = WEIGHTS_MIB) -> Path:
    """Write logits = x W, where W is as large as is wanted."""
    folder.mkdir(parents=True)
    wide = mib * 1024 * 1024 // 4 // 16
    weights = np.random.default_rng(3).normal(size=(16, wide)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weights"], ["product"]),
            helper.make_node("ReduceMax", ["product"], ["top"], axes=[1], keepdims=1),
            helper.make_node("Concat", ["top", "top"], ["logits"], axis=1),
        ],
        "heavy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    manifest = {
        "schema_version": 1,
        "name": "heavy",
        "digest": "0" * 64,
        "task": "test",
        "target": "cpu-fp32",
        "runtime": "onnxruntime",
        "model_file": "m.onnx",
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 16]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 2]}],
        "preprocess": {"kind": "tensor"},
        "postprocess": {"kind": "classify", "labels": ["a", "b"]},
        "example": {"inputs": [[0.1] * 16]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def root(tmp_path: Path, classifier: Path, encoder: Path) -> Path:
    """The folder that the host unpacks models into."""
    for name, model in (("c", classifier), ("e", encoder)):
        shutil.copytree(model, tmp_path / "models" / name / "model")
    return tmp_path / "models"


@pytest.fixture
def server(root: Path, start: Callable[..., Any]) -> Iterator[Server]:
    with start(root, **MULTI) as started:
        yield started


def load(server: Server, root: Path, name: str, folder: str | None = None) -> Answer:
    return server.ask({"model_name": name, "url": f"{root}/{folder or name}/model"}, path="/models")


def get(server: Server, path: str) -> Answer:
    return server.ask(method="GET", path=path)


def unload(server: Server, name: str) -> Answer:
    return server.ask(method="DELETE", path=f"/models/{name}")


def names(server: Server) -> list[str]:
    return [model["modelName"] for model in get(server, "/models").document["models"]]


def test_server_is_ready_without_any_model(server: Server) -> None:
    assert server.ping() == 200
    assert get(server, "/models").document == {"models": []}
    assert server.ask({"inputs": []}).status == 404  # there is no model that /invocations could mean


def test_models_are_loaded_listed_asked_and_unloaded(
    server: Server, root: Path, classifier: Path, probabilities: Callable[[Path, Any], np.ndarray]
) -> None:
    inputs = [[0.5, -1.0, 2.0, 0.0]]
    assert server.ask({"inputs": inputs}, path="/models/c/invoke").status == 404
    loaded = load(server, root, "c")
    assert (loaded.status, loaded.document) == (200, {"modelName": "c", "modelUrl": f"{root}/c/model"})
    assert load(server, root, "e").status == 200
    assert names(server) == ["c", "e"]
    assert get(server, "/models/c").document == loaded.document
    answer = server.ask({"inputs": inputs}, path="/models/c/invoke", headers={"x-request-id": "one"})
    assert np.allclose(answer.document["predictions"][0]["scores"], probabilities(classifier, inputs)[0], atol=1e-6)
    assert len(server.ask({"inputs": ["a ship"]}, path="/models/e/invoke").document["embeddings"][0]) == 8
    assert server.line("one")["path"] == "/models/c/invoke"
    assert unload(server, "c").status == 200
    assert names(server) == ["e"]
    for gone in (
        server.ask({"inputs": inputs}, path="/models/c/invoke"),
        get(server, "/models/c"),
        unload(server, "c"),
    ):
        assert (gone.status, gone.code, gone.message) == (404, "model_not_found", "model 'c' is not loaded")
    assert load(server, root, "c").status == 200
    assert server.process.poll() is None


def test_second_load_of_a_name_is_a_conflict(server: Server, root: Path) -> None:
    assert load(server, root, "c").status == 200
    again = load(server, root, "c", "e")
    assert (again.status, again.code) == (409, "already_loaded")
    assert get(server, "/models/c").document["modelUrl"].endswith("/c/model")


def test_loads_of_one_name_at_once_load_it_once(server: Server, root: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: load(server, root, "c"), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    assert len([line for line in server.log if line["event"] == "model_loaded"]) == 1


def test_list_comes_in_pages(server: Server, root: Path) -> None:
    wanted = [f"model-{number:03}" for number in range(103)]
    for name in wanted:
        assert load(server, root, name, "c").status == 200
    first = get(server, "/models").document
    assert len(first["models"]) == 100
    rest = get(server, f"/models?next_page_token={first['nextPageToken']}").document
    assert "nextPageToken" not in rest
    assert [model["modelName"] for model in first["models"] + rest["models"]] == wanted
    assert get(server, "/models?next_page_token=%FF").status == 400


def test_model_that_does_not_fit_is_refused_until_another_goes(root: Path, start: Callable[..., Any]) -> None:
    for name in ("one", "two", "three"):
        write_heavy(root / name / "model")
    # Each takes twice its size and a little more: two fit, three do not.
    with start(root, **MULTI, SLIPWAY_MODELS_MEMORY_MIB=str(2 * (2 * WEIGHTS_MIB + 5))) as server:
        assert [load(server, root, name).status for name in ("one", "two")] == [200, 200]
        refused = load(server, root, "three")
        assert (refused.status, refused.code) == (507, "out_of_memory")
        assert refused.message.startswith("model 'three' takes 21 MiB, ")
        assert names(server) == ["one", "two"]
        assert unload(server, "one").status == 200
        assert load(server, root, "three").status == 200
        assert names(server) == ["three", "two"]


def test_model_that_is_refused_or_broken_takes_no_memory(root: Path, start: Callable[..., Any]) -> None:
    write_heavy(root / "heavy" / "model")
    write_heavy(root / "broken" / "model")
    (root / "broken" / "model" / "manifest.json").write_text("{}")
    with start(root, **MULTI, SLIPWAY_MODELS_MEMORY_MIB=str(2 * WEIGHTS_MIB + 5)) as server:
        for _ in range(3):
            broken = load(server, root, "broken")
            assert (broken.status, broken.code) == (500, "model_not_loaded")
            assert "schema_version: missing" in broken.message
        assert load(server, root, "heavy").status == 200
        assert server.ping() == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "body: "),
        ([], "model_name: accepted"),
        ({"url": "/x"}, "model_name: accepted"),
        ({"model_name": "", "url": "/x"}, "model_name: accepted"),
        ({"model_name": "a/b", "url": "/x"}, "model_name: accepted"),
        ({"model_name": "a"}, "url: accepted"),
        ({"model_name": "a", "url": 7}, "url: accepted"),
        ({"model_name": "a", "url": "/etc"}, "url: '/etc' does not lie in"),
    ],
)
def test_strange_load_is_refused(server: Server, body: Any, said: str) -> None:
    refused = server.ask(body, path="/models")
    assert refused.status == 400
    assert refused.message.startswith(said)


@pytest.mark.parametrize("path", ["loop", "n" * 5000])
def test_folder_that_the_system_cannot_follow_is_refused(server: Server, root: Path, path: str) -> None:
    if not (root / "loop").is_symlink():
        (root / "loop").symlink_to(root / "loop")
    refused = server.ask({"model_name": "out", "url": f"{root}/{path}"}, path="/models")
    assert refused.status == 400
    assert "is not a folder" in refused.message


@pytest.mark.parametrize("escape", ["/../../..", "/link"])
def test_model_outside_its_folder_is_refused(server: Server, root: Path, tmp_path: Path, escape: str) -> None:
    (root / "link").symlink_to(tmp_path)
    refused = server.ask({"model_name": "out", "url": f"{root}{escape}"}, path="/models")
    assert refused.status == 400
    assert "does not lie in" in refused.message


def test_unknown_way_is_refused_with_what_is_accepted(server: Server) -> None:
    refused = server.ask({}, method="PUT", path="/models")
    assert refused.status == 405
    assert "POST /models/<name>/invoke" in refused.message


def test_unloading_waits_for_the_requests_that_the_model_was_given(server: Server, root: Path, gated: Gated) -> None:
    shutil.copytree(gated.folder, root / "g" / "model")
    slow = Gated(root / "g" / "model")
    assert load(server, root, "g").status == 200
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(server.ask, slow.body(), path="/models/g/invoke", headers={"x-request-id": "long"})
        server.wait_for(slow.is_reached)
        unloading = pool.submit(unload, server, "g")
        server.wait_for(lambda: names(server) == [])
        assert not unloading.done()
        slow.open()
        assert (asking.result().status, unloading.result().status) == (200, 200)
    events = [line for line in server.log if line["event"] == "model_unloaded" or line.get("request_id") == "long"]
    assert [line["event"] for line in events] == ["request", "model_unloaded"]


def test_broken_model_leaves_the_others_alone(root: Path, fragile: Path, start: Callable[..., Any]) -> None:
    shutil.copytree(fragile, root / "fragile" / "model")
    with start(root, **MULTI) as server:
        assert [load(server, root, name).status for name in ("fragile", "e")] == [200, 200]
        assert server.ask({"inputs": [[-1.0, 1.0, 1.0]]}, path="/models/fragile/invoke").status == 500
        assert server.ping() == 200
        assert server.ask({"inputs": ["a"]}, path="/models/e/invoke").status == 200
        assert server.ask({"inputs": [[1.0, 1.0, 1.0]]}, path="/models/fragile/invoke").status == 200


def test_models_take_less_memory_than_they_are_accounted_for_and_give_it_back(
    root: Path, start: Callable[..., Any]
) -> None:
    mib = 64
    write_heavy(root / "heavy" / "model", mib=mib)
    with start(root, **MULTI) as server:
        assert load(server, root, "c").status == 200  # what the first model costs once is no model's own

        def resident() -> float:
            return float(psutil.Process(server.process.pid).memory_info().rss) / 2**20

        before = resident()
        assert load(server, root, "heavy").status == 200
        assert mib * 0.9 < resident() - before < 2 * mib + 4
        assert unload(server, "heavy").status == 200
        assert resident() - before < mib / 4


def test_signal_ends_a_server_with_models(server: Server, root: Path) -> None:
    assert load(server, root, "c").status == 200
    server.send(15)
    assert server.wait() == 0


def test_single_model_server_knows_no_models(classifier_server: Server) -> None:
    refused = get(classifier_server, "/models")
    assert refused.status == 404
    assert refused.message.endswith("accepted: GET /ping, GET /metrics and POST /invocations")


def test_bad_setting_is_named(root: Path, start: Callable[..., Any]) -> None:
    with start(root, ready=False, SAGEMAKER_MULTI_MODEL="perhaps") as server:
        assert server.wait() == 2
        assert "SAGEMAKER_MULTI_MODEL: 'perhaps' is not accepted" in server.errors
