"""The real tritonserver in SageMaker's mode, on repositories as endpoints get them."""

from __future__ import annotations

import json
import re
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from serving.model import Model
from slipway.specs.manifest import Classify
from slipway.specs.servers.triton import Triton as Spec
from tests.local_cloud.conftest import PATIENCE_SECONDS, eventually
from tests.servers.environments import environment
from tests.servers.triton_server import BINARY, Built, binary, numbers, read_binary, serving, started, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.specs.manifest import ServedModel
    from tests.servers.triton_server import Triton

pytestmark = pytest.mark.slow
SENTENCES = (
    "The ship slides into the sea.",
    "Stop here.",
    "A vessel was launched this morning, slowly, while a crowd of people watched from the other side of the harbour.",
    "Größe: 12 µm, 文字",
)
MODEL = "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"


@pytest.fixture(scope="module")
def built(built_models: Path) -> Callable[[str], Built]:
    environment("triton")
    lock = yaml.safe_load((built_models / "artifacts.lock").read_text())["models"]
    return lambda model: Built.at(built_models / "artifacts" / model / lock[model]["digest"])


def named_otherwise(served: ServedModel, labels: tuple[str, ...]) -> ServedModel:
    assert isinstance(served.postprocess, Classify)
    return served.model_copy(update={"postprocess": served.postprocess.model_copy(update={"labels": labels})})


@pytest.fixture(scope="module")
def original(built: Callable[[str], Built], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    """The model in our own server's words, which the build proved against the original."""
    return lambda name: Model.load(built(name).unpack(tmp_path_factory.mktemp(name)), threads=1)


@pytest.fixture(scope="module")
def embedder(built: Callable[[str], Built], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    model, folder = built("minilm-fp32"), tmp_path_factory.mktemp("embedder")
    layout = Spec(max_queue_delay_us=100_000, max_batch=16).files(model.served, model.names(), 4)
    repository = model.write(layout, folder / "model")
    variables = {MODEL: "minilm-fp32", "SAGEMAKER_TRITON_LOG_VERBOSE": "true"}
    with serving(repository, folder / "log", **variables) as triton:
        yield triton


@pytest.fixture(scope="module")
def reader(built: Callable[[str], Built], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    model, folder = built("digits"), tmp_path_factory.mktemp("reader")
    repository = model.write(Spec(max_batch=512).files(model.served, model.names(), 2), folder / "model")
    with serving(repository, folder / "log", **{MODEL: "digits"}) as triton:
        yield triton


def test_ensemble_answers_texts_as_the_model_does(embedder: Triton, original: Callable[[str], Model]) -> None:
    answer = embedder.infer(texts(*SENTENCES))
    assert answer.status == 200, answer.body
    assert answer.document["model_name"] == "minilm-fp32"
    np.testing.assert_allclose(answer.tensor("embeddings"), original("minilm-fp32").predict([*SENTENCES]), atol=2e-6)


def test_ensemble_computes_together_what_comes_together(embedder: Triton) -> None:
    alone = [embedder.infer(texts(text)).tensor("embeddings") for text in SENTENCES]
    before = len(embedder.lines())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda index: embedder.infer(texts(SENTENCES[index % 4])), range(48)))
    assert {answer.status for answer in answers} == {200}
    for index, answer in enumerate(answers):  # whatever it was padded to
        np.testing.assert_allclose(answer.tensor("embeddings"), alone[index % 4], atol=1e-5)
    for step in ("tokenize", "graph", "answer"):
        pattern = re.compile(rf"instance minilm-fp32-{step}_0_0, executing (\d+) requests")
        sizes = [int(match[1]) for line in embedder.lines()[before:] if (match := pattern.search(line))]
        together = [size for size in sizes if size > 1]  # the line of one alone can come after its answer
        assert sum(together) > 24, (step, sizes)
        assert len(sizes) < 24, (step, sizes)


def test_a_bad_request_spoils_no_other_that_came_with_it(embedder: Triton) -> None:
    raw = b"\xff\xfe"
    head = {"name": "inputs", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 4 + len(raw)}}
    header = json.dumps({"inputs": [head]}).encode()
    body, media = header + struct.pack("<I", len(raw)) + raw, f"{BINARY}{len(header)}"
    with ThreadPoolExecutor(8) as pool:
        bad = pool.submit(lambda: embedder.ask("POST", "/invocations", body, content_type=media))
        good = list(pool.map(lambda text: embedder.infer(texts(text)), SENTENCES))
    assert [answer.status for answer in good] == [200] * 4
    assert bad.result().status == 400
    assert "inputs[0]: not UTF-8" in bad.result().document["error"]


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ([], "expected 1 inputs but got 0"),
        ([{"name": "input_ids", "shape": [1, 1], "datatype": "BYTES", "data": ["a"]}], "'input_ids'"),
        ([{"name": "inputs", "shape": [1, 1], "datatype": "FP32", "data": [1.0]}], "data-type"),
        (texts(*["word"] * 17), "batch-size must be <= 16"),
    ],
    ids=["nothing", "another name", "another type", "too many"],
)
def test_request_is_refused_when_the_model_does_not_take_it(
    embedder: Triton, tensors: list[dict[str, object]], words: str
) -> None:
    answer = embedder.infer(tensors)
    assert answer.status == 400
    assert words in answer.document["error"]
    assert embedder.ready()


def test_every_step_is_warm_when_ping_says_ready(embedder: Triton) -> None:
    began = "Started Sagemaker HTTPService"  # it answers before its words are passed on
    eventually(lambda: any(began in line for line in embedder.lines()))
    lines = embedder.lines()
    ready = next(index for index, line in enumerate(lines) if began in line)
    warm = {
        match[1] for line in lines[:ready] if (match := re.search(r"model '([^']+)' instance .* warmup sample", line))
    }
    assert warm == {"minilm-fp32-tokenize", "minilm-fp32-graph", "minilm-fp32-answer"}


def test_ensemble_reads_digits_as_well_as_the_model(reader: Triton, original: Callable[[str], Model]) -> None:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = (found.images[:450, None] / 16).astype(np.float32)
    answer = reader.infer(numbers("inputs", images))
    assert answer.status == 200, answer.body
    expected = original("digits").predict(images.tolist())
    np.testing.assert_allclose(answer.tensor("scores"), expected, atol=1e-6)
    np.testing.assert_array_equal(answer.tensor("label")[:, 0].astype(int), expected.argmax(axis=1))
    np.testing.assert_allclose(answer.tensor("score")[:, 0], expected.max(axis=1), atol=1e-6)
    assert np.mean(answer.tensor("label")[:, 0].astype(int) == found.target[:450]) >= 0.97


def test_binary_protocol_answers_the_same_numbers(reader: Triton) -> None:
    images = np.random.default_rng(7).random((3, 1, 8, 8), dtype=np.float32)
    body, media = binary("inputs", images)
    answer = reader.ask("POST", "/invocations", body, content_type=media)
    assert answer.status == 200, answer.body
    assert answer.media.startswith(BINARY)
    scores = read_binary(answer)["scores"]
    np.testing.assert_allclose(scores, reader.infer(numbers("inputs", images)).tensor("scores"), atol=1e-7)


def test_header_size_beyond_the_body_is_refused(reader: Triton) -> None:
    answer = reader.ask("POST", "/invocations", b"{}", content_type=f"{BINARY}99")
    assert answer.status == 400
    assert "range" in answer.document["error"]


def test_only_this_machine_reaches_the_server(reader: Triton) -> None:
    import psutil

    listens = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == reader.port
    }
    isolated = not any("no network of its own" in line for line in reader.lines())
    assert listens == ({"127.0.0.1"} if isolated else {"0.0.0.0"})  # noqa: S104  said in its first line


def test_one_python_model_answers_what_no_backend_reads(
    built: Callable[[str], Built], original: Callable[[str], Model], tmp_path: Path
) -> None:
    model = built("minilm")
    assert model.served.runtime == "openvino"
    repository = model.write(
        Spec(repository="python", model_version=3).files(model.served, model.names(), 1), tmp_path / "model"
    )
    with serving(repository, tmp_path / "log") as triton:  # the only model needs no name
        answer = triton.infer(texts(*SENTENCES))
    assert (answer.status, answer.document["model_version"]) == (200, "3")
    np.testing.assert_allclose(answer.tensor("embeddings"), original("minilm").predict([*SENTENCES]), atol=1e-6)


ODD = ("null\r", "", " zwei ", "drei ½", "vier\t", "fünf\r\r", "6:7", "", "acht\u2028neun", "neun\v\x85")
"""What a line can hold, and other readers of lines would not keep."""


def test_plain_graph_answers_its_own_tensors_and_names_the_classes(
    built: Callable[[str], Built], original: Callable[[str], Model], tmp_path: Path
) -> None:
    model = built("digits")
    served = named_otherwise(model.served, ODD)
    repository = model.write(Spec(repository="plain").files(served, model.names(), 1), tmp_path / "model")
    image = np.random.default_rng(3).random((1, 1, 8, 8), dtype=np.float32)
    with serving(repository, tmp_path / "log", **{MODEL: "digits"}) as triton:
        logits = triton.infer(numbers("image", image)).tensor("logits")
        asked = {
            "inputs": numbers("image", image),
            "outputs": [{"name": "logits", "parameters": {"classification": 10}}],
        }
        named = triton.ask("POST", "/invocations", json.dumps(asked).encode()).tensor("logits")
    scores = original("digits").predict(image.tolist())
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), scores, atol=1e-6)
    best = [int(place) for place in np.argsort(-scores[0])]
    # Triton leaves out a label that is empty, and the colon before it.
    assert [each.split(":", 1)[1] for each in named[0]] == [
        f"{place}:{ODD[place]}" if ODD[place] else f"{place}" for place in best
    ]


def test_labels_of_several_lines_are_answered_whole(
    built: Callable[[str], Built], original: Callable[[str], Model], tmp_path: Path
) -> None:
    model, labels = built("digits"), tuple(f"{place}\nand\r\nmore\n" for place in range(10))
    layout = dict(Spec().files(named_otherwise(model.served, labels), model.names(), 1))
    manifests = {name: content for name, content in layout.items() if name.endswith("manifest.json")}
    repository = model.write(layout, tmp_path / "model")
    for name in manifests:
        document = json.loads((repository / name).read_bytes())
        document["postprocess"]["labels"] = labels
        (repository / name).write_text(json.dumps(document))
    image = np.random.default_rng(3).random((1, 1, 8, 8), dtype=np.float32)
    with serving(repository, tmp_path / "log", **{MODEL: "digits"}) as triton:
        answered = triton.infer(numbers("inputs", image)).tensor("label")
    assert answered.ravel().tolist() == [labels[int(original("digits").predict(image.tolist()).argmax())]]


def test_models_are_loaded_listed_asked_and_unloaded_by_name(built: Callable[[str], Built], tmp_path: Path) -> None:
    image = np.zeros((1, 1, 8, 8), np.float32)
    for name, spec in (("digits", Spec()), ("digits", Spec(repository="python"))):
        model = built(name)
        folder = tmp_path / "models" / spec.repository / "model"
        model.write(spec.files(model.served, model.names(), 1), folder)
    with serving(tmp_path / "models", tmp_path / "log", SAGEMAKER_MULTI_MODEL="true") as triton:
        for kind in ("ensemble", "python"):
            order = json.dumps({"model_name": kind, "url": str(tmp_path / "models" / kind / "model")}).encode()
            assert triton.ask("POST", "/models", order).status == 200, triton.lines()[-3:]
            assert triton.ask("POST", "/models", order).status == 409
        listed = {each["modelName"] for each in triton.ask("GET", "/models").document["models"]}
        answers = [triton.infer(numbers("inputs", image), f"/models/{kind}/invoke") for kind in ("ensemble", "python")]
        assert triton.ask("DELETE", "/models/python").status == 200
        gone = triton.infer(numbers("inputs", image), "/models/python/invoke")
    assert listed == {"ensemble", "python"}
    np.testing.assert_allclose(answers[0].tensor("scores"), answers[1].tensor("scores"), atol=1e-6)
    assert gone.status == 404


def test_server_says_in_a_line_what_is_wrong_with_a_repository(built: Callable[[str], Built], tmp_path: Path) -> None:
    model = built("digits")
    good = model.write(Spec(repository="plain").files(model.served, model.names(), 1), tmp_path / "good")

    def last_line(name: str, **variables: str) -> str:
        with started(tmp_path / name, tmp_path / f"{name}.log", **variables) as triton:
            assert triton.process.wait(PATIENCE_SECONDS) == 1
        return triton.lines()[-1]

    for name in ("cut", "unread", "bare", "two"):
        shutil.copytree(good, tmp_path / name)
    (tmp_path / "cut" / "digits" / "1" / "model.onnx").write_bytes(b"ONNX")
    (tmp_path / "unread" / "digits" / "config.pbtxt").write_text('name: "digits"\nplatfrom: "onnxruntime_onnx"\n')
    (tmp_path / "bare" / "digits" / "config.pbtxt").rename(tmp_path / "bare" / "config.pbtxt")
    (tmp_path / "two" / "more").mkdir()
    assert re.match(r"triton: model 'digits': .*InvalidProtobuf", last_line("cut"))
    assert last_line("unread").endswith('2:9: Message type "inference.ModelConfig" has no field named "platfrom".')
    root = "triton: config.pbtxt lies at the root of the archive: each model needs a folder of its own"
    assert last_line("bare") == root
    assert last_line("two") == f"triton: set {MODEL} to the model that is asked: it has digits, more"
    missing = f"triton: the archive has no model 'digit', which {MODEL} names: it has digits"
    assert last_line("good", **{MODEL: "digit"}) == missing
