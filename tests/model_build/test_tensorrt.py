"""Engines for GPUs that are not here: typed graphs judged on the processor, then compiled by TensorRT-RTX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_build.graph import Graph
from model_build.passes.compile_tensorrt import CompileTensorRt
from model_build.passes.convert_precision import SENSITIVE, ConvertPrecision
from model_build.passes.hand_to_cuda import HandToCuda
from model_build.passes.quantize_qdq import QuantizeQdq
from model_build.passes.verify import Verify
from model_build.served import lay_out
from model_build.trial import AS_WRITTEN
from model_build.work import present
from slipway.specs import Calibrate, SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.metrics import Measured
    from model_build.work import Work
    from slipway.specs.gpu import Precision

ARCHITECTURES = (75, 80, 86, 89, 120)
TYPED: dict[Precision, tuple[Any, ...]] = {
    "fp32": (),
    "fp16": (ConvertPrecision(),),
    "int8": (QuantizeQdq("int8", smooth=0.8), ConvertPrecision()),
    "fp8": (QuantizeQdq("fp8"), ConvertPrecision()),
}


def typed(work: Work, precision: Precision) -> Work:
    for number, step in enumerate(TYPED[precision]):
        work = step.run(replace(work, scratch=work.scratch / f"{precision}-{number}"))
    return work


def compiler(sm: int, precision: Precision = "fp16", **options: Any) -> CompileTensorRt:
    return CompileTensorRt("tensorrt-rtx", sm, precision, **{"batch": (2, 8), "length": (8, None), **options})


def compiled(work: Work, sm: int, precision: Precision, folder: Path) -> bytes:
    folder.mkdir()
    length = (8, None) if work.spec.task == "sentence-embedding" else None
    return compiler(sm, precision, length=length).shape(work, folder).file.read_bytes()


def measured(work: Work) -> Measured:
    graph = replace(present(work.graph), options=AS_WRITTEN)
    asked = Verify().questioned(replace(work, graph=graph, scratch=work.scratch / "judged"))
    return Verify().measure(Verify().laid_out(asked))


def product(weights: np.ndarray, **names: str) -> onnx.ModelProto:
    """A graph of one product, (batch, k) x (k, n)."""
    value = helper.make_tensor_value_info
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name=names.get("name", "product"))
    inputs = [value("x", TensorProto.FLOAT, ["batch", weights.shape[0]])]
    outputs = [value("y", TensorProto.FLOAT, ["batch", weights.shape[1]])]
    graph = helper.make_graph([node], "model", inputs, outputs, [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def with_graph(work: Work, model: onnx.ModelProto) -> Work:
    folder = work.scratch / f"given-{len(list(work.scratch.glob('given-*')))}"
    folder.mkdir()
    return replace(work, graph=Graph.of_onnx(model, folder))


def evaluated(work: Work, inputs: np.ndarray) -> np.ndarray:
    """Answer as the definition of the operators says."""
    [answers] = onnx.reference.ReferenceEvaluator(present(work.graph).as_onnx()).run(None, {"x": inputs})
    return np.asarray(answers)


def types(model: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    found = {it.name: it.type.tensor_type.elem_type for it in (*graph.input, *graph.value_info, *graph.output)}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


@pytest.fixture
def text(gpu_embedder_work: Work) -> Work:
    calibrated = gpu_embedder_work.spec.model_copy(update={"calibrate": Calibrate(data="calibration.txt")})
    return replace(gpu_embedder_work, spec=calibrated)


@pytest.mark.parametrize("precision", ["fp16", "int8", "fp8", "fp32"])
def test_engine_is_the_same_every_time_and_another_for_each_architecture(
    text: Work, precision: Precision, tmp_path: Path
) -> None:
    work, engines = typed(text, precision), {}
    for sm in ARCHITECTURES:
        if compiler(sm, precision).unfit(work) is None:
            first, second = (compiled(work, sm, precision, tmp_path / f"{sm}-{turn}") for turn in (1, 2))
            assert first == second
            engines[sm] = first
    left_out = {"fp8": {75, 80, 86}, "fp32": {75}}.get(precision, set())
    assert set(engines) == set(ARCHITECTURES) - left_out
    assert len(set(engines.values())) == len(engines)


def test_pictures_are_compiled_in_eight_bits(gpu_classifier_work: Work, tmp_path: Path) -> None:
    work = typed(gpu_classifier_work, "int8")
    assert measured(work).value == 1.0
    assert [len(compiled(work, sm, "int8", tmp_path / str(sm))) > 0 for sm in ARCHITECTURES] == [True] * 5


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.999999), ("int8", 0.9995), ("fp8", 0.9995)])
def test_typed_graph_answers_like_the_original(text: Work, precision: Precision, least: float) -> None:
    assert measured(typed(text, precision)).bound >= least


def test_products_are_half_and_sums_are_whole(text: Work) -> None:
    model = present(typed(text, "fp16").graph).as_onnx()
    onnx.checker.check_model(model, full_check=True)
    kinds = types(model)
    products = {kinds[node.input[0]] for node in model.graph.node if node.op_type == "MatMul"}
    sums = {kinds[node.input[0]] for node in model.graph.node if node.op_type in SENSITIVE}
    assert products == {TensorProto.FLOAT16}
    assert sums == {TensorProto.FLOAT}
    assert {kinds[value.name] for value in model.graph.output} == {TensorProto.FLOAT}


def test_constant_that_half_a_float_cannot_hold_stays_whole(text: Work, tmp_path: Path) -> None:
    model = product(np.full((4, 2), 7e4, np.float32))
    kept = present(ConvertPrecision().run(with_graph(text, model)).graph).as_onnx()
    assert types(kept)["w"] == TensorProto.FLOAT
    assert compiled(with_graph(text, kept), 89, "fp16", tmp_path / "whole") != b""


def test_node_with_a_body_is_refused_by_its_name(text: Work) -> None:
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = product(np.ones((4, 2), np.float32))
    model.graph.node[0].CopyFrom(
        helper.make_node("If", ["x"], ["y"], name="maybe", then_branch=branch, else_branch=branch)
    )
    with pytest.raises(ValueError, match=r"node 'maybe' \(If\) has a body of its own"):
        ConvertPrecision().run(with_graph(text, model))


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_both_inputs_of_each_product_are_dequantized_by_symmetric_scales(text: Work, kind: Any) -> None:
    graph = present(QuantizeQdq(kind, smooth=0.8).run(text).graph).as_onnx().graph
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul" and "dequantized" in node.input[1]]
    assert len(products) == 4
    dequantized = [made_by[name] for node in products for name in node.input]
    assert {node.op_type for node in dequantized} == {"DequantizeLinear"}
    assert all(not numpy_helper.to_array(constants[node.input[2]]).astype(np.float32).any() for node in dequantized)
    weights = [numpy_helper.to_array(constants[node.input[0]]) for node in dequantized if node.input[0] in constants]
    assert {array.itemsize for array in weights} == {1}


def test_smoothing_saves_what_an_outlier_would_drown(text: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    weights, inputs = random.normal(size=(16, 8)).astype(np.float32), random.normal(size=(64, 16)).astype(np.float32)
    inputs[:, 0] *= 200
    weights[0] /= 100
    monkeypatch.setattr(present(text.task), "calibration", lambda *_: [{"x": inputs}], raising=False)
    given = with_graph(text, product(weights))

    def error(smooth: float) -> float:
        work = QuantizeQdq("int8", smooth=smooth).run(replace(given, scratch=given.scratch / str(smooth)))
        return float(np.abs(evaluated(work, inputs) - inputs @ weights).mean())

    assert error(0.8) < error(0.0) / 5


def test_channel_that_is_always_zero_does_no_harm(text: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = np.zeros((4, 3), np.float32)
    monkeypatch.setattr(present(text.task), "calibration", lambda *_: [{"x": inputs}], raising=False)
    given = with_graph(text, product(np.ones((3, 2), np.float32)))
    assert np.isfinite(evaluated(QuantizeQdq("int8", smooth=0.8).run(given), inputs)).all()


def test_quantizing_asks_for_calibration_data(gpu_embedder_work: Work, text: Work, tmp_path: Path) -> None:
    assert QuantizeQdq().unfit(gpu_embedder_work) == "model.yaml names no calibration data"
    assert QuantizeQdq().unfit(text) is None
    empty = replace(text, source_folder=tmp_path)
    (tmp_path / "calibration.txt").write_text("\n")
    with pytest.raises(ValueError, match="there is no calibration data"):
        QuantizeQdq().run(empty)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (compiler(86, "fp8"), "a GPU of SM 86 computes in no eight-bit floats, which begin with SM 89"),
        (compiler(75, "fp8"), "a GPU of SM 75 computes in no eight-bit floats, which begin with SM 89"),
        (compiler(75, "fp32"), "TensorRT-RTX has no float32 products for SM 75"),
        (compiler(90), "TensorRT-RTX compiles for SM 75, 80, 86, 89, 120, not for 90"),
        (replace(compiler(90), backend="tensorrt"), "tensorrt is not installed"),
        (compiler(89), None),
    ],
)
def test_compiler_says_what_it_cannot_do(text: Work, step: CompileTensorRt, reason: str | None) -> None:
    assert step.unfit(text) == reason


@pytest.mark.parametrize(("sm", "precision", "words"), [(75, "fp32", "FP32 GEMM"), (86, "fp8", "sm86.*fp8_e4m3")])
def test_compiler_itself_refuses_what_we_say_it_does(
    text: Work, sm: int, precision: Precision, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        compiled(typed(text, precision), sm, precision, tmp_path / "engine")
    assert "/_src/" not in str(refused.value)


def test_free_dimension_without_a_profile_is_refused(text: Work, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="input 'input_ids' may have any length, and no profile says which is used"):
        compiler(89, length=None).shape(typed(text, "fp16"), tmp_path)


def test_profile_beyond_the_source_is_refused_at_its_key(text: Work, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"gpu\.sequence_length\.max: 48 tokens are more than the source's max_length"):
        compiler(89, length=(8, 48)).shape(text, tmp_path)


def test_unknown_operator_is_named_by_its_node(gpu_classifier_work: Work, tmp_path: Path) -> None:
    model = product(np.ones((4, 2), np.float32))
    model.graph.node[0].op_type, model.graph.node[0].name = "Frobnicate", "layer_7"
    model.graph.node[0].domain = "example.org"
    model.opset_import.append(helper.make_opsetid("example.org", 1))
    with pytest.raises(ValueError, match=r"node 'layer_7' \(Frobnicate\): "):
        compiler(89, length=None).shape(with_graph(gpu_classifier_work, model), tmp_path)


def test_engine_is_described_by_the_graph_it_was_made_of(text: Work, tmp_path: Path) -> None:
    work = compiler(89).run(replace(typed(text, "fp16"), scratch=tmp_path / "engine"))
    asked = Verify().questioned(work)
    folder, described = lay_out(asked, present(asked.samples))
    assert (described.runtime, described.options) == ("tensorrt-rtx", {"sm": "89"})
    assert {(it.name, it.dtype, it.shape) for it in described.inputs} == {
        ("input_ids", "int64", ("batch", "length")),
        ("attention_mask", "int64", ("batch", "length")),
    }
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "model.rtx-engine", "tokenizer.json"]


def test_onnxruntime_takes_the_typed_graph_as_it_is(text: Work, tmp_path: Path) -> None:
    work = typed(text, "fp16")
    graph = HandToCuda().shape(work, tmp_path)
    assert graph.runtime == "onnxruntime-cuda"
    assert graph.file.read_bytes() == present(work.graph).file.read_bytes()
    assert HandToCuda().unfit(work) == "the onnxruntime here has no kernels for CUDA (onnxruntime-gpu has)"
