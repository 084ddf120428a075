"""Model repositories as text: each configuration is read with Triton's own schema."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from slipway.catalog import hosting_images, instance_types
from slipway.specs.manifest import ServedModel
from slipway.specs.servers.triton import NEWEST, REPOSITORY, Triton
from slipway.specs.servers.triton_files.repository import MODEL_PY
from slipway.specs.servers.triton_files.text_format import Word, text
from tests.servers.environments import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.specs.servers.base import Layout

    Read = Callable[[Layout], dict[str, dict[str, Any]]]

pytestmark = pytest.mark.slow
DIGITS: dict[str, Any] = {
    "name": "digits",
    "digest": "0" * 64,
    "task": "image-classification",
    "target": "cpu-fp32",
    "runtime": "onnxruntime",
    "model_file": "model.onnx",
    "inputs": [{"name": "image", "dtype": "float32", "shape": ["batch", 1, 8, 8]}],
    "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 3]}],
    "preprocess": {"kind": "tensor"},
    "postprocess": {"kind": "classify", "labels": ["one", 'two "half"', "drei ½"]},
    "example": {"inputs": np.zeros((1, 1, 8, 8)).tolist()},
}
TEXTS: dict[str, Any] = {
    **DIGITS,
    "name": "embedder",
    "task": "sentence-embedding",
    "inputs": [
        {"name": "input_ids", "dtype": "int64", "shape": ["batch", "length"]},
        {"name": "attention_mask", "dtype": "int64", "shape": ["batch", "length"]},
    ],
    "outputs": [{"name": "states", "dtype": "float32", "shape": ["batch", "length", 4]}],
    "preprocess": {"kind": "tokenize", "tokenizer_file": "tokenizer.json", "max_length": 64},
    "postprocess": {"kind": "embed", "pooling": "mean", "normalize": True, "dimensions": 4},
    "example": {"inputs": ["Größe"]},
}
SPEAKER: dict[str, Any] = {
    **TEXTS,
    "name": "speaker",
    "task": "text-generation",
    "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", "length", 9]}],
    "postprocess": {"kind": "generate", "max_new_tokens": 8, "eos": [1]},
}


def served(document: dict[str, Any], **other: Any) -> ServedModel:
    return ServedModel.model_validate_json(json.dumps({**document, **other}))


def files(document: dict[str, Any], *names: str, cores: int = 4, **options: Any) -> Layout:
    members = ("manifest.json", str(document["model_file"]), "tokenizer.json", *names)
    return Triton(**options).files(served(document), members, cores)


@pytest.fixture(scope="module")
def read() -> Read:
    """Return every configuration of a repository by its model's name."""
    python = environment("triton") / "bin" / "python"

    def every(layout: Layout) -> dict[str, dict[str, Any]]:
        found = {name.split("/")[0]: content for name, content in layout.items() if name.endswith("config.pbtxt")}
        told = json.dumps({name: content.decode() for name, content in found.items() if isinstance(content, bytes)})
        script = Path(__file__).with_name("read_configs.py")
        done = subprocess.run([python, script], input=told, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        configs: dict[str, dict[str, Any]] = json.loads(done.stdout)
        assert all(config["name"] == name for name, config in configs.items())
        return configs

    return every


def test_ensemble_of_texts_connects_three_models(read: Read) -> None:
    layout = files(TEXTS)
    configs = read(layout)
    assert list(configs) == ["embedder-tokenize", "embedder-graph", "embedder-answer", "embedder"]
    whole, graph = configs["embedder"], configs["embedder-graph"]
    assert whole["input"] == [{"name": "inputs", "data_type": "TYPE_STRING", "dims": ["1"]}]
    assert whole["output"] == [{"name": "embeddings", "data_type": "TYPE_FP32", "dims": ["4"]}]
    assert [step["model_name"] for step in whole["ensemble_scheduling"]["step"]] == list(configs)[:3]
    assert graph["platform"] == "onnxruntime_onnx"
    assert [tensor["dims"] for tensor in (*graph["input"], *graph["output"])] == [["-1"], ["-1"], ["-1", "4"]]
    assert layout["embedder-graph/1/model.onnx"] == "model.onnx"
    assert layout["embedder-tokenize/1/tokenizer.json"] == "tokenizer.json"
    assert layout["embedder-tokenize/warmup/inputs"] == b"\x07\x00\x00\x00" + "Größe".encode()
    assert "embedder/1/.keep" in layout


def test_every_tensor_that_a_step_takes_is_one_that_a_step_before_it_gives(read: Read) -> None:
    for document in (TEXTS, DIGITS, {**DIGITS, "outputs": [{**DIGITS["outputs"][0], "name": "scores"}]}):
        configs = read(files(document))
        whole = configs[document["name"]]
        known = {tensor["name"] for tensor in whole["input"]}
        for step in whole["ensemble_scheduling"]["step"]:
            model = configs[step["model_name"]]
            assert set(step["input_map"]) == {tensor["name"] for tensor in model["input"]}
            assert set(step["output_map"]) == {tensor["name"] for tensor in model["output"]}
            assert set(step["input_map"].values()) <= known
            assert not known & set(step["output_map"].values())  # nothing is given twice
            known |= set(step["output_map"].values())
        assert {tensor["name"] for tensor in whole["output"]} <= known


def test_options_stand_in_every_model_that_they_concern(read: Read) -> None:
    options = {"max_batch": 32, "preferred_batch": (8, 16), "max_queue_delay_us": 500, "max_queue": 9, "instances": 2}
    configs = read(files(DIGITS, cores=8, model_version=7, **options))
    graph = configs["digits-graph"]
    assert {config["max_batch_size"] for config in configs.values()} == {32}
    assert graph["dynamic_batching"] == {
        "preferred_batch_size": [8, 16],
        "max_queue_delay_microseconds": "500",
        "default_queue_policy": {"max_queue_size": 9},
    }
    assert graph["instance_group"] == [{"count": 2, "kind": "KIND_CPU"}]
    assert graph["parameters"]["intra_op_thread_count"]["string_value"] == "4"  # of eight cores for two
    assert graph["version_policy"] == {"specific": {"versions": ["7"]}}
    assert "dynamic_batching" not in configs["digits"]


def test_nothing_is_warmed_up_when_it_was_not_asked_for(read: Read) -> None:
    layout = files(DIGITS, warm_up=False)
    assert not any("model_warmup" in config for config in read(layout).values())
    assert not any("warmup" in name for name in layout)


def test_labels_reach_triton_as_they_are(read: Read) -> None:
    layout = files(DIGITS, repository="plain")
    assert read(layout)["digits"]["output"][0]["label_filename"] == "labels.txt"
    assert layout["digits/labels.txt"] == 'one\ntwo "half"\ndrei ½\n'.encode()
    assert sorted(layout) == ["digits/1/model.onnx", "digits/config.pbtxt", "digits/labels.txt"]


def test_labels_of_several_lines_stay_in_the_manifest_alone(read: Read) -> None:
    odd = {**DIGITS, "postprocess": {"kind": "classify", "labels": ["one", "two\nlines", ""]}}
    layout = files(odd)
    assert not any(name.endswith("labels.txt") for name in layout)
    assert "label_filename" not in read(layout)["digits-graph"]["output"][0]


def test_engine_runs_on_every_gpu_and_takes_the_name_of_a_plan(read: Read) -> None:
    engine = {**DIGITS, "runtime": "tensorrt", "target": "gpu", "model_file": "model.plan", "options": {"sm": "86"}}
    configs = read(files(engine))
    assert configs["digits-graph"]["platform"] == "tensorrt_plan"
    assert configs["digits-graph"]["instance_group"] == [{"count": 1, "kind": "KIND_GPU"}]
    assert configs["digits-answer"]["instance_group"] == [{"count": 1, "kind": "KIND_CPU"}]
    assert "parameters" not in configs["digits-graph"]
    assert files(engine)["digits-graph/1/model.plan"] == "model.plan"


def test_graph_of_another_format_is_a_model_in_python(read: Read) -> None:
    layout = files({**TEXTS, "runtime": "openvino", "model_file": "model.xml"}, "model.bin")
    graph = read(layout)["embedder-graph"]
    assert (graph["backend"], graph["parameters"]["step"]["string_value"]) == ("python", "graph")
    assert [layout[f"embedder-graph/1/{name}"] for name in ("model.xml", "model.bin", "manifest.json")] == [
        "model.xml",
        "model.bin",
        "manifest.json",
    ]


def test_weights_beside_an_onnx_file_keep_their_name() -> None:
    layout = files(DIGITS, "model.onnx.data")
    assert layout["digits-graph/1/model.onnx.data"] == "model.onnx.data"


def test_graph_without_a_batch_is_asked_as_it_is(read: Read) -> None:
    single = {
        **DIGITS,
        "inputs": [{"name": "image", "dtype": "float32", "shape": [1, 1, 8, "width"]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": [1, 3]}],
    }
    for config in read(files(single)).values():
        assert config.get("max_batch_size", 0) == 0
        assert "dynamic_batching" not in config
    graph = read(files(single))["digits-graph"]
    assert graph["input"][0]["dims"] == ["1", "1", "8", "-1"]
    assert graph["output"][0]["dims"] == ["1", "3"]


def test_tensor_of_nothing_but_a_batch_is_reshaped(read: Read) -> None:
    flat = {**DIGITS, "postprocess": {"kind": "tensor"}, "outputs": [{"name": "y", "dtype": "float32", "shape": ["n"]}]}
    output = read(files(flat, repository="plain"))["digits"]["output"][0]
    assert (output["dims"], output["reshape"]) == (["1"], {})


def test_generating_model_takes_wishes_and_is_one_model(read: Read) -> None:
    layout = files(SPEAKER, "encoder/model.onnx", repository="python")
    config = read(layout)["speaker"]
    assert [tensor["name"] for tensor in config["input"]] == ["inputs", "parameters"]
    assert config["input"][1]["optional"] is True
    assert [tensor["name"] for tensor in config["output"]] == ["generated_text", "finish_reason", "generated_tokens"]
    assert layout["speaker/1/encoder/model.onnx"] == "encoder/model.onnx"
    assert layout["speaker/1/model.py"] == MODEL_PY
    assert "speaker/1/serving/triton.py" in layout


def test_text_is_quoted_as_protobuf_reads_it() -> None:
    message = {"a": 'x"\\\n½', "b": Word("KIND_CPU"), "c": [1, 2], "d": [], "e": [{"f": True}, {"f": -1}]}
    assert text(message) == 'a: "x\\"\\\\\\n\\u00bd"\nb: KIND_CPU\nc: [1, 2]\ne {\n  f: true\n}\ne {\n  f: -1\n}\n'


def test_image_is_awss_where_nothing_is_added_to_it() -> None:
    cpu, gpu = instance_types()["ml.c7i.xlarge"], instance_types()["ml.g5.xlarge"]
    plain = Triton(repository="plain")
    assert str(plain.image("eu-west-1", cpu)).endswith(f"/sagemaker-tritonserver:{NEWEST}-py3-cpu")
    assert str(plain.image("eu-west-1", gpu)).endswith(f"/sagemaker-tritonserver:{NEWEST}-py3")
    assert Triton().image("eu-west-1", cpu) is None
    assert Triton().build_arguments("eu-west-1", cpu) == {"BASE": plain.image("eu-west-1", cpu)}
    assert max(image.tag for image in hosting_images()[REPOSITORY]).startswith(NEWEST)


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValidationError):
        Triton.model_validate({"grpc": True})


def test_request_is_written_and_answer_read_as_our_own_server_has_them() -> None:
    image = [[[[0.5, 1.0]]], [[[2.0, 3.0]]]]
    tensor = {"name": "inputs", "shape": [2, 1, 1, 2], "datatype": "FP32", "data": [0.5, 1.0, 2.0, 3.0]}
    assert Triton().request(served(DIGITS), image) == {"inputs": [tensor]}
    assert Triton(repository="plain").request(served(DIGITS), image) == {"inputs": [{**tensor, "name": "image"}]}
    texts = {"name": "inputs", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "b"]}
    assert Triton().request(served(TEXTS), ["a", "b"]) == {"inputs": [texts]}
    assert Triton(repository="plain").request(served(TEXTS), ["a"]) is None
    outputs = [
        {"name": "scores", "shape": [2, 3], "data": [0.1, 0.9, 0.0, 0.8, 0.1, 0.1]},
        {"name": "label", "shape": [2, 1], "data": ["two", "one"]},
        {"name": "score", "shape": [2, 1], "data": [0.9, 0.8]},
    ]
    assert Triton().answer(served(DIGITS), {"outputs": outputs}) == {
        "predictions": [
            {"label": "two", "score": 0.9, "scores": [0.1, 0.9, 0.0]},
            {"label": "one", "score": 0.8, "scores": [0.8, 0.1, 0.1]},
        ]
    }
    vectors = {"outputs": [{"name": "embeddings", "shape": [1, 4], "data": [1, 0, 0, 0]}]}
    assert Triton().answer(served(TEXTS), vectors) == {"embeddings": [[1, 0, 0, 0]]}
    passed = {"outputs": [{"name": "outputs", "shape": [1, 1, 2], "data": [1.5, 2.5]}]}
    assert Triton().answer(served({**DIGITS, "postprocess": {"kind": "tensor"}}), passed) == {"inputs": [[[1.5, 2.5]]]}
