"""Originals from files, read in this process: tiny seeded models, saved as their own libraries save them."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from model_build.graph import Graph
from model_build.passes.compile_aotinductor import CompileAotInductor
from model_build.passes.compress_weights import CompressWeights
from model_build.passes.prune import Prune
from model_build.sources import Origin, read
from model_build.sources.unpack import Limits, unpack
from model_build.tasks.transformation import Transformation
from model_build.work import Work, present
from slipway.specs import HostError, Project, SpecError
from tests.model_build.conftest import write_embedder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Origin]

TEXT = """task: sentence-embedding
source: {{{source}}}
target: cpu-fp32
verify: {{data: sentences.txt, metric: cosine_similarity, at_least: 0.9}}
benchmark: {{sequence_length: [8]}}
"""
NUMBERS = """task: {task}
source: {{{source}}}
target: cpu-fp32
verify: {{data: held-out.npz, metric: {metric}, at_least: 0.9}}
"""


def save_bert(folder: Path) -> Any:
    from transformers import BertConfig, BertModel

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=24,
    )  # fmt: skip
    module: Any = BertModel(config, add_pooling_layer=False)
    module.eval().save_pretrained(folder)
    return module


def name_modules(folder: Path, pooling: str = "mean", *others: str) -> None:
    """Write what sentence-transformers writes beside the weights."""
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), *((other, f"9_{other}") for other in others)]
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pools = {"word_embedding_dimension": 16, f"pooling_mode_{pooling}": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pools))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')


@pytest.fixture
def origin(tmp_path: Path) -> Make:
    """Make a project of one text model and return what its original is read from."""

    def make(source: str, spec: str = TEXT, **words: str) -> Origin:
        write_embedder(tmp_path)
        folder = tmp_path / "models" / "tiny"
        (folder / "model.yaml").write_text(spec.format(source=source, **words))
        return present(Origin.of(Project(tmp_path), "tiny", tmp_path / "scratch"))

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the weights of the model lie."""
    write_embedder(tmp_path)
    weights = tmp_path / "models" / "tiny" / "weights"
    save_bert(weights)
    (weights / "tokenizer.json").write_bytes((weights.parent / "tokenizer.json").read_bytes())
    return weights


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(SpecError) as refused:
        action()
    (problem,) = refused.value.problems
    return f"{problem.path}: {problem.message}"


def test_folder_answers_as_the_model_that_was_saved(origin: Make, folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 1000000000000000019884624838656}')
    original: Any = read(origin("huggingface: weights, pooling: cls, normalize: false"))
    ids = torch.tensor([[2, 4]])  # the, blue
    with torch.inference_mode():
        expected = save_bert(folder)(input_ids=ids).last_hidden_state[:, 0].numpy()
    np.testing.assert_allclose(original.reference(["the blue"]), expected, atol=1e-6)
    assert (original.max_length, original.pooling, original.normalize) == (24, "cls", False)


def test_folder_of_sentence_transformers_says_it_all(origin: Make, folder: Path) -> None:
    name_modules(folder, "mean_tokens", "Normalize")
    (folder / "tokenizer_config.json").write_text(
        '{"pad_token": "[PAD]", "tokenizer_class": "PreTrainedTokenizerFast"}'
    )
    original: Any = read(origin("huggingface: weights"))
    assert (original.max_length, original.pooling, original.normalize) == (20, "mean", True)
    answers = original.reference(["the blue boat", "the"])
    np.testing.assert_allclose(np.linalg.norm(answers, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "modules", "said"),
    [
        ("", (), "source: required key 'pooling' is missing: the folder does not say it"),
        (", pooling: cls", ("mean_tokens",), "source.pooling: is cls, the folder says mean: remove the key"),
        ("", ("max_tokens",), "source.huggingface: pools by pooling_mode_max_tokens, accepted: mean or cls"),
        ("", ("mean_tokens", "Dense"), "source.huggingface: modules.json names Transformer, Pooling, Dense, accepted"),
    ],
)
def test_folder_is_refused_when_it_is_not_said_how_texts_become_vectors(
    origin: Make, folder: Path, source: str, modules: tuple[str, ...], said: str
) -> None:
    if modules:
        name_modules(folder, *modules)
    assert refusal(lambda: read(origin(f"huggingface: weights{source}"))).startswith(said)


def test_folder_is_refused_when_modules_are_a_strangers(origin: Make, folder: Path) -> None:
    name_modules(folder, "mean_tokens")
    file = folder / "modules.json"
    file.write_text(file.read_text().replace("sentence_transformers.models.Pooling", "os.Pooling"))
    assert "names os.Pooling, which is not sentence-transformers' own" in refusal(
        lambda: read(origin("huggingface: weights"))
    )


def test_pickle_is_loaded_only_when_it_is_trusted(origin: Make, folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    source = "huggingface: weights, pooling: mean"
    assert refusal(lambda: read(origin(source))) == (
        "source.huggingface: pytorch_model.bin is a pickle, which runs code as it is read: "
        "convert it to safetensors, or say 'trust: true' if you know who wrote it"
    )
    assert read(origin(f"{source}, trust: true")).reference(["the"]).shape == (1, 16)
    harm = b"cos\nsystem\n(S'touch %s'\ntR." % str(tmp_path / "harmed").encode()
    (folder / "pytorch_model.bin").write_bytes(harm)
    assert "cannot be loaded" in refusal(lambda: read(origin(f"{source}, trust: true")))  # weights alone
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: whole[:-5], "model.safetensors is cut short: "),
        (lambda whole: whole[:100], "model.safetensors is cut short or is not safetensors (100 bytes)"),
        (lambda _: b"", "model.safetensors is cut short or is not safetensors (0 bytes)"),
        (lambda _: struct.pack("<Q", 5) + b"[1,2]", "model.safetensors is not safetensors: its header"),
        (lambda _: struct.pack("<Q", 1 << 60) + b"{}", "model.safetensors is cut short or is not safetensors"),
    ],
)
def test_weights_that_are_not_whole_are_refused(
    origin: Make, folder: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    assert said in refusal(lambda: read(origin("huggingface: weights, pooling: mean")))


# ONNX


def scale(weight: np.ndarray, *, outside: str = "") -> Any:
    """A graph that multiplies (batch, 3) numbers by a matrix."""
    import onnx
    from onnx import TensorProto, helper

    tensor = onnx.numpy_helper.from_array(weight.astype(np.float32), "factor")
    if outside:
        onnx.external_data_helper.set_external_data(tensor, outside, offset=0, length=weight.size * 4)
        tensor.ClearField("raw_data")
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weight.shape[1]])
    nodes = [helper.make_node("MatMul", ["x", "factor"], ["tensor"]), helper.make_node("Tanh", ["tensor"], ["y"])]
    graph = helper.make_graph(nodes, "scale", [taken], [given], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4) / 12
INPUTS = np.random.default_rng(1).random((120, 3), dtype=np.float32)


@pytest.fixture
def onnx_origin(origin: Make, tmp_path: Path) -> Make:
    def make(model: Any, source: str = "onnx: model.onnx", task: str = "transformation") -> Origin:
        metric = {"transformation": "r_squared", "image-classification": "accuracy"}[task]
        folder = tmp_path / "models" / "tiny"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        labels = (INPUTS @ WEIGHT).argmax(axis=1)
        np.savez(folder / "held-out.npz", inputs=INPUTS, labels=labels)
        return origin(source, NUMBERS, task=task, metric=metric)

    return make


def test_onnx_file_answers_for_itself_and_is_copied_under_the_tasks_names(onnx_origin: Make) -> None:
    original: Any = read(onnx_origin(scale(WEIGHT)))
    expected = np.tanh(INPUTS @ WEIGHT)
    np.testing.assert_allclose(original.reference(INPUTS), expected, atol=1e-6)
    graph = original.module.renamed({"tensor": {}}, "transformed").graph  # an inner value is called so already
    assert ([value.name for value in graph.input], [value.name for value in graph.output]) == (
        ["tensor"],
        ["transformed"],
    )
    assert [list(node.input) for node in graph.node] == [["tensor", "factor"], ["tensor_inner"]]


def test_onnx_file_cannot_be_pruned_and_may_be_compressed(onnx_origin: Make, tmp_path: Path) -> None:
    original = read(onnx_origin(scale(WEIGHT)))
    work = replace(Work.begin(Project(tmp_path), "tiny", tmp_path / "scratch"), original=original)
    prune = Prune(flops=0.5, epochs=1, batch=8, learning_rate=0.1, seed=0, threads=1)
    assert prune.unfit(work) == "the original is an ONNX file, which has no layers of PyTorch"
    assert CompileAotInductor().unfit(work) == prune.unfit(work)
    assert prune.unfit(replace(work, student=torch.nn.Linear(3, 4))) is None
    assert CompressWeights(bits=4).unfit(replace(work, task=Transformation(original))) is None


def test_onnx_classifier_takes_its_labels_from_the_spec(onnx_origin: Make) -> None:
    source, task = "onnx: model.onnx, labels: [a, b, c, d]", "image-classification"
    original: Any = read(onnx_origin(scale(WEIGHT), source, task))
    assert original.labels == ("a", "b", "c", "d")
    assert original.calibration is None
    assert "required key 'labels' is missing" in refusal(lambda: read(onnx_origin(scale(WEIGHT), task=task)))


def test_onnx_data_beside_the_file_is_read(onnx_origin: Make) -> None:
    made = onnx_origin(scale(WEIGHT, outside="model.data"))
    (made.folder / "model.data").write_bytes(WEIGHT.tobytes())
    (made.folder / "second.data").hardlink_to(made.folder / "model.data")  # which onnx's own reader refuses
    original: Any = read(made)
    np.testing.assert_allclose(original.reference(INPUTS), np.tanh(INPUTS @ WEIGHT), atol=1e-6)
    assert original.module.weights_bytes > WEIGHT.nbytes
    (tensor,) = original.module.renamed({"tensor": {}}, "transformed").graph.initializer
    assert tensor.raw_data == WEIGHT.tobytes()


def test_onnx_data_that_says_no_length_must_hold_all_of_the_tensor(onnx_origin: Make) -> None:
    model = scale(WEIGHT, outside="model.data")
    del model.graph.initializer[0].external_data[2:]  # the format lets it be absent: the rest of the file
    made = onnx_origin(model)
    (made.folder / "model.data").write_bytes(WEIGHT.tobytes()[:-4])
    assert "tensor 'factor' has more numbers than 'model.data' holds" in refusal(lambda: read(made))
    (made.folder / "model.data").write_bytes(WEIGHT.tobytes())
    original: Any = read(made)
    np.testing.assert_allclose(original.reference(INPUTS), np.tanh(INPUTS @ WEIGHT), atol=1e-6)
    (tensor,) = original.module.renamed({"tensor": {}}, "transformed").graph.initializer
    assert tensor.raw_data == WEIGHT.tobytes()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("../secret", "tensor 'factor' lies in '../secret', which leads out of the folder"),
        ("/etc/passwd", "tensor 'factor' lies in '/etc/passwd', which leads out of the folder"),
        ("link", "tensor 'factor' lies in 'link', which is a link out of the folder"),
        ("gone", "tensor 'factor' lies in 'gone', which does not exist"),
        ("short", "tensor 'factor' ends at byte 48 of 'short', which is cut short at 9"),
    ],
)
def test_onnx_data_elsewhere_or_cut_short_is_refused(onnx_origin: Make, place: str, said: str) -> None:
    made = onnx_origin(scale(WEIGHT, outside=place))
    (made.folder.parent / "secret").write_bytes(bytes(48))
    (made.folder / "link").symlink_to(made.folder.parent / "secret")
    (made.folder / "short").write_bytes(bytes(9))
    assert said in refusal(lambda: read(made))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_onnx_weights_that_are_not_finite_are_refused(onnx_origin: Make, value: float) -> None:
    broken = WEIGHT.copy()
    broken[1, 1] = value
    assert "tensor 'factor' holds NaN or infinity" in refusal(lambda: read(onnx_origin(scale(broken))))


def test_onnx_file_that_is_none_is_refused(onnx_origin: Make) -> None:
    made = onnx_origin(scale(WEIGHT))
    file = made.folder / "model.onnx"
    file.write_bytes(file.read_bytes()[:-20])
    assert "is cut short or is no ONNX file" in refusal(lambda: read(made))


def test_npz_without_inputs_is_refused(onnx_origin: Make) -> None:
    made = onnx_origin(scale(WEIGHT))
    np.savez(made.folder / "held-out.npz", inputs=INPUTS[:0])
    assert "inputs: is missing or empty" in refusal(lambda: read(made))
    np.savez(made.folder / "held-out.npz", inputs=np.array([{}], dtype=object))
    assert "is not an .npz file of numbers" in refusal(lambda: read(made))


# Archives


def packed(file: Path, *entries: tuple[str, bytes | None, Any], mode: str = "w:gz") -> Path:
    """Write a tar of (name, content, changes to the entry)."""
    with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]  # the mode is ours
        for name, content, changes in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content or b"")
            for key, value in (changes or {}).items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content or b""))
    return file


def unpacked(file: Path, into: Path, limits: Limits | None = None) -> str:
    into.mkdir()
    with pytest.raises(LookupError) as refused:
        unpack(file, into, LookupError, limits)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("../out", None, "entry '../out' leads out of the folder"),
        ("a/../../out", None, "entry 'a/../../out' leads out of the folder"),
        ("/etc/out", None, "entry '/etc/out' leads out of the folder"),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc"}, "entry 'link' is a link to '/etc'"),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "first"}, "entry 'hard' is a link to 'first'"),
        ("null", {"type": tarfile.CHRTYPE}, "entry 'null' is a device or a pipe"),
        ("pipe", {"type": tarfile.FIFOTYPE}, "entry 'pipe' is a device or a pipe"),
        ("first", None, "entry 'first' is there twice"),
        ("first/below", None, "entry 'first/below' is there twice"),
    ],
)
def test_archive_is_refused_by_the_name_of_its_entry(tmp_path: Path, name: str, changes: Any, said: str) -> None:
    file = packed(tmp_path / "a.tar.gz", ("first", b"1", None), (name, b"", changes))
    assert said in unpacked(file, tmp_path / "into")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "into"]
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["first"]


def test_archive_that_is_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    many = packed(tmp_path / "many.tar.gz", *((str(at), b"", None) for at in range(9)))
    assert "holds more than 8 entries" in unpacked(many, tmp_path / "1", Limits(entries=8, bytes=100))
    large = packed(tmp_path / "large.tar.gz", ("a", b"a" * 90, None), ("zeros", bytes(90), None))
    assert "entry 'zeros' takes it beyond 100 bytes" in unpacked(large, tmp_path / "2", Limits(entries=8, bytes=100))
    assert not (tmp_path / "2" / "zeros").exists()
    zeros = packed(tmp_path / "zeros.tar.gz", ("zeros", bytes(70 << 20), None))
    assert "entry 'zeros' takes it beyond 67,108,864 bytes: is it a bomb?" in unpacked(zeros, tmp_path / "3")


@pytest.mark.parametrize("damage", [lambda whole: whole[:-30], lambda whole: b"x" * len(whole), lambda _: b""])
def test_archive_that_is_cut_short_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    whole = packed(tmp_path / "a.tar.gz", ("a", np.random.default_rng(0).bytes(30_000), None))
    whole.write_bytes(damage(whole.read_bytes()))
    assert "is cut short or is no tar archive" in unpacked(whole, tmp_path / "into")


def test_archive_with_one_folder_in_it_is_that_folder(origin: Make, folder: Path) -> None:
    with tarfile.open(folder.parent / "weights.tar.gz", "w:gz") as tar:
        tar.add(folder, "all-of-it")
    assert read(origin("archive: weights.tar.gz, pooling: mean")).reference(["the"]).shape == (1, 16)


def test_archive_that_was_never_fetched_is_asked_for(origin: Make) -> None:
    digest = "ab" * 32
    source = f"archive: 's3://bucket/key.tar.gz', sha256: {digest}, pooling: mean"
    with pytest.raises(
        HostError, match=r"s3://bucket/key\.tar\.gz is not on this machine: `slipway build tiny` fetches"
    ):
        read(origin(source))


def test_archive_of_another_version_is_refused(origin: Make, folder: Path) -> None:
    with tarfile.open(folder.parent / "weights.tar.gz", "w:gz") as tar:
        tar.add(folder, ".")
    made = origin(f"archive: weights.tar.gz, sha256: {'ab' * 32}, pooling: mean")
    assert f"model.yaml says {'ab' * 32}: is it another version?" in refusal(lambda: read(made))


# Weights beside the graph


def test_forms_that_share_their_weights_are_read_by_every_pass_and_by_the_server(tmp_path: Path) -> None:
    from serving.runtimes import OnnxRuntime

    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    weight = np.random.default_rng(0).random((3, 400), dtype=np.float32)  # smaller ones stay in the graph
    before = Graph.of_onnx(scale(weight), first, big_bytes=0)
    assert [path.name for path in before.files()] == ["model.onnx", "model.onnx.data"]
    after = Graph.of_skeleton(before.skeleton(), second, before)
    assert (second / "model.onnx.data").stat().st_nlink == 2  # which onnx's own reader refuses
    for graph in (before, after):
        (tensor,) = graph.as_onnx().graph.initializer
        np.testing.assert_array_equal(np.frombuffer(tensor.raw_data, np.float32).reshape(3, 400), weight)
        answer = OnnxRuntime(graph.file, threads=1, calls=1, options={}).run("y", {"x": INPUTS})
        np.testing.assert_allclose(answer, np.tanh(INPUTS @ weight), atol=1e-5)
        assert graph.as_openvino().inputs[0].any_name == "x"


def test_form_that_lost_a_part_is_none(tmp_path: Path) -> None:
    graph = Graph.of_onnx(scale(np.ones((3, 400))), tmp_path, big_bytes=0)
    graph.describe()
    assert Graph.found(tmp_path) == graph
    (tmp_path / "model.onnx.data").write_bytes(b"")
    assert Graph.found(tmp_path) is None
