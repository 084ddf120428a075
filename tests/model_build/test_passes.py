"""Each pass on a tiny model, in this process."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from model_build.passes.benchmark import Benchmark, rounds
from model_build.passes.compress_weights import CompressWeights
from model_build.passes.convert import Convert
from model_build.passes.optimize import Optimize
from model_build.passes.package import Package
from model_build.passes.quantize_calibrated import SMOOTH, QuantizeCalibrated
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.passes.quantize_static import QuantizeStatic
from model_build.passes.verify import Verify
from model_build.tasks import weights_bytes
from model_build.work import present
from serving.model import Model
from slipway.specs import Calibrate, GateError, Manifest, Problem, SpecError
from slipway.specs.manifest import ServedModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_build.work import ShapingPass, Work
    from slipway.specs import Project

    Make = Callable[..., Project]
    Loaded = Callable[[Project], Work]
    Export = Callable[[Work], Work]


def answer(work: Work, feeds: dict[str, np.ndarray]) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(present(work.graph).file, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feeds)[0])


def operators(work: Work) -> list[str]:
    return [node.op_type for node in present(work.graph).as_onnx().graph.node]


def optimized(work: Work) -> Work:
    """The exact model, in a scratch folder of its own."""
    return Optimize().run(replace(work, scratch=work.scratch / "exact"))


def tokens(work: Work, batch: int, length: int) -> dict[str, np.ndarray]:
    feeds = present(work.task).feeds((batch, length))
    feeds["attention_mask"][0, length // 2 + 1 :] = 0
    return feeds


def eager(work: Work, feeds: dict[str, np.ndarray]) -> np.ndarray:
    import torch

    tensors = {name: torch.from_numpy(tensor) for name, tensor in feeds.items()}
    with torch.inference_mode():
        return np.asarray(present(work.original).module(**tensors).numpy())


def set_weights(work: Work, shape: list[int], value: float | np.ndarray) -> None:
    """Overwrite the graph's constants of one shape."""
    changed, graph = 0, present(work.graph)
    model = graph.as_onnx()
    for tensor in model.graph.initializer:
        if list(tensor.dims) == shape and tensor.data_type == 1:
            tensor.raw_data = np.full(shape, value, np.float32).tobytes()
            changed += 1
    assert changed > 0
    graph.file.write_bytes(model.SerializeToString())


def with_reference(work: Work, change: Callable[[np.ndarray], np.ndarray]) -> Work:
    original: Any = present(work.original)
    return replace(work, original=replace(original, reference=lambda texts: change(original.reference(texts))))


def with_gate(work: Work, at_least: float) -> Work:
    verify = work.spec.verify.model_copy(update={"at_least": at_least})
    return replace(work, spec=work.spec.model_copy(update={"verify": verify}))


def test_export_keeps_inputs_apart_when_forward_takes_them_in_another_order(
    embedder: Make, loaded: Loaded, export: Export, embedder_source: str
) -> None:
    swapped = embedder_source.replace("(self, input_ids, attention_mask)", "(self, attention_mask, input_ids)")
    assert swapped != embedder_source
    work = Optimize().run(export(loaded(embedder(swapped))))
    feeds = tokens(work, 2, 6)
    np.testing.assert_allclose(answer(work, feeds), eager(work, feeds), atol=1e-5)


def test_export_forgets_where_it_was_made(embedder_work: Work) -> None:
    content = present(embedder_work.graph).file.read_bytes()
    assert str(embedder_work.source_folder).encode() not in content
    assert b"stack_trace" not in content


def test_export_refuses_when_the_batch_is_fixed(
    embedder: Make, loaded: Loaded, export: Export, embedder_source: str
) -> None:
    fixed = embedder_source.replace("x = self.words(input_ids)", "x = self.words(input_ids.view(2, -1))")
    with pytest.raises(Exception, match="batch"):
        export(loaded(embedder(fixed)))


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 24), (5, 2)])
def test_optimize_answers_like_the_module_when_batch_and_length_are_others(
    embedder_work: Work, batch: int, length: int
) -> None:
    work = Optimize().run(embedder_work)
    feeds = tokens(work, batch, length)
    np.testing.assert_allclose(answer(work, feeds), eager(work, feeds), atol=1e-5)


def test_optimize_splits_no_heads_and_keeps_the_residual_apart(embedder_work: Work) -> None:
    before, after = operators(embedder_work), operators(Optimize().run(embedder_work))
    assert (before.count("Transpose"), after.count("Transpose")) == (4, 0)
    assert (before.count("Sum"), after.count("Sum")) == (0, 1)
    assert after.count("Attention") == 1


def test_optimize_leaves_a_graph_without_attention_alone(classifier_work: Work) -> None:
    work = Optimize().run(classifier_work)
    assert present(work.graph).as_onnx() == present(classifier_work.graph).as_onnx()


def test_quantize_dynamic_stores_int8_and_stays_near(embedder_work: Work) -> None:
    exact = Optimize().run(embedder_work)
    work = QuantizeDynamic().run(exact)
    feeds = tokens(work, 2, 8)
    assert operators(work).count("MatMulInteger") == 4
    assert 0 < np.abs(answer(work, feeds) - answer(exact, feeds)).max() < 0.1
    assert present(work.graph).size_bytes < 0.7 * present(exact.graph).size_bytes


def test_quantize_static_finds_the_same_classes(classifier_work: Work) -> None:
    work = QuantizeStatic().run(classifier_work)
    feeds = present(work.task).feeds((120, 1, 8, 8))
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(operators(work))
    assert (answer(work, feeds).argmax(1) == answer(classifier_work, feeds).argmax(1)).all()


@pytest.mark.parametrize("step", [QuantizeStatic(), QuantizeCalibrated()])
def test_quantizing_does_not_fit_a_model_without_calibration_data(step: ShapingPass, embedder_work: Work) -> None:
    assert step.unfit(embedder_work) == "model.yaml names no calibration data"


@pytest.mark.parametrize(
    ("step", "most", "size"),
    [
        (Convert(), 1e-5, 1.1),
        (CompressWeights(), 0.1, 0.6),
        (CompressWeights(bits=4), 0.8, 0.6),
        (CompressWeights(bits=4, symmetric=True), 1.2, 0.6),
        (CompressWeights(bits=4, ratio=0.5), 0.8, 0.6),
        (QuantizeCalibrated(transformer=True), 0.3, 0.6),
    ],
    ids=str,
)
def test_openvino_forms_are_served_and_stay_near(
    step: ShapingPass, most: float, size: float, embedder_work: Work
) -> None:
    file = embedder_work.source_folder / "calibration.txt"
    file.write_text("the red boat\nthe car stops slowly\n", encoding="utf-8")
    calibrate = Calibrate(data=file.name)
    work = replace(embedder_work, spec=embedder_work.spec.model_copy(update={"calibrate": calibrate}))
    folder = present(Verify().laid_out(Verify().questioned(step.run(work))).served)
    feeds = tokens(work, 3, 8)
    exact = Model.load(present(Verify().laid_out(Verify().questioned(optimized(work))).served), threads=1)
    difference = np.abs(Model.load(folder, threads=1).run(feeds) - exact.run(feeds)).max()
    assert difference < most
    assert (folder / "model.bin").stat().st_size < size * weights_bytes(present(work.original).module)
    if not isinstance(step, Convert):
        assert difference > 0


OUTLIERS = """
    module = Tiny().eval()
    with torch.no_grad():  # two channels that all words are large in, as transformers have them
        module.words.weight[:, :2] *= 60
        for layer in (module.query, module.key, module.value):
            layer.weight[:, :2] /= 60
"""


def test_calibrated_int8_smooths_and_the_answers_are_nearer_for_it(
    embedder: Make, loaded: Loaded, export: Export, embedder_source: str
) -> None:
    source = embedder_source.replace("\n    module = Tiny().eval()\n", OUTLIERS).replace(
        "self.out(y) + x", "self.out(y)"
    )
    assert "+ x" not in source
    assert OUTLIERS in source
    project = embedder(source, target="cpu", more="calibrate: {data: calibration.txt}")
    work = Verify().questioned(export(loaded(project)))
    apart, smoothed = {}, {}
    for name, strength in (("on", SMOOTH), ("off", -1.0)):
        step = QuantizeCalibrated(transformer=True, smooth=strength)
        found = Verify().laid_out(step.run(replace(work, scratch=work.scratch / name)))
        apart[name] = 1 - Verify().measure(found).value
        ops = present(found.graph).as_openvino().get_ops()
        smoothed[name] = sum("smooth_quant" in op.get_friendly_name() for op in ops)
    assert smoothed["on"] > 0 == smoothed["off"]
    assert apart["on"] < apart["off"] / 2


def four_bit_weights(work: Work) -> int:
    """Count the tables that are stored in four bits."""
    ordered = present(work.graph).as_openvino().get_ordered_ops()
    kinds = [node.get_element_type().get_type_name() for node in ordered if node.get_type_name() == "Constant"]
    return sum(kind in ("u4", "i4") for kind in kinds)


def test_four_bits_are_for_as_many_layers_as_the_ratio_says(embedder_work: Work) -> None:
    counts = [
        four_bit_weights(
            CompressWeights(bits=4, symmetric=True, ratio=ratio).run(
                replace(embedder_work, scratch=embedder_work.scratch / str(ratio))
            )
        )
        for ratio in (1.0, 0.5)
    ]
    assert counts == [3, 1]  # of four products; the last stays in eight bits


def test_four_bits_do_not_fit_where_no_layer_is_as_wide_as_a_group(embedder_work: Work) -> None:
    reason = "no layer takes a multiple of 48 numbers, which share a scale in four bits"
    assert CompressWeights(bits=4, group=48).unfit(embedder_work) == reason
    assert CompressWeights(bits=8, group=48).unfit(embedder_work) is None
    assert CompressWeights(bits=4).unfit(embedder_work) is None


def test_verify_measures_with_the_serving_code(embedder_work: Work) -> None:
    work = Verify().run(Optimize().run(embedder_work))
    proof = present(work.proof)
    assert proof.samples == 128
    assert proof.value == pytest.approx(1, abs=1e-5)
    assert proof.details["nearest_neighbour_agreement"] > 0.9
    described = json.loads((present(work.served) / "manifest.json").read_bytes())
    assert described["inputs"][0] == {"name": "input_ids", "dtype": "int64", "shape": ["batch", "length"]}
    assert described["outputs"] == [{"name": "last_hidden_state", "dtype": "float32", "shape": ["batch", "length", 32]}]
    assert described["postprocess"] == {"kind": "embed", "pooling": "mean", "normalize": True, "dimensions": 32}


def test_verify_says_by_how_much_when_the_gate_is_missed(embedder_work: Work) -> None:
    work = with_gate(with_reference(Optimize().run(embedder_work), lambda answers: answers + 0.1), 0.999)
    with pytest.raises(GateError) as caught:
        Verify().run(work)
    message = str(caught.value)
    assert message.startswith("tiny: cosine_similarity is 0.")
    assert "at least 0.999 is needed: missed by 0." in message
    assert "(128 inputs); worst: 0." in message


def test_verify_refuses_an_artifact_that_answers_the_same_for_everything(embedder_work: Work) -> None:
    work = with_gate(Optimize().run(embedder_work), 0.001)
    set_weights(work, [32], 1.0)  # the norm's scale and bias, after
    set_weights(work, [32, 32], 0.0)  # nothing comes through
    with pytest.raises(GateError, match="the artifact answers the same for all 128 inputs"):
        Verify().run(work)


def test_verify_refuses_an_artifact_that_answers_nan(embedder_work: Work) -> None:
    work = Optimize().run(embedder_work)
    set_weights(work, [32], float("nan"))
    with pytest.raises(GateError, match="the artifact answers NaN or infinity for 128 of 128 inputs"):
        Verify().run(work)


def test_verify_refuses_an_artifact_of_another_width(embedder_work: Work) -> None:
    work = with_reference(Optimize().run(embedder_work), lambda answers: answers[:, :8])
    with pytest.raises(GateError, match=r"the artifact answers \(128, 32\), the original \(128, 8\)"):
        Verify().run(work)


def test_verify_refuses_when_the_inputs_are_too_few(embedder_work: Work, tmp_path: Path) -> None:
    (tmp_path / "sentences.txt").write_text("the red boat\n\n   \nthe blue car\n")
    with pytest.raises(GateError, match="tiny: 2 inputs to verify on, at least 100 are needed"):
        Verify().run(replace(embedder_work, source_folder=tmp_path))


def test_verify_refuses_when_accuracy_falls_below_the_originals(classifier_work: Work) -> None:
    work = with_gate(classifier_work, 0.1)
    set_weights(work, [4, 4], np.diag([90.0, 9, 9, 9]))  # the first class wins far too often
    with pytest.raises(GateError, match=r"accuracy 0\.\d+ is 0\.\d+ below the original's 1\.0000, at most 0\.01"):
        Verify().run(work)


def test_benchmark_times_both_in_each_round_in_random_order() -> None:
    calls: list[str] = []
    a, b = (lambda: calls.append("a")), (lambda: calls.append("b"))
    times = rounds({"a": a, "b": b}, seconds=0.01, least=20, most=20)
    assert {name: len(measured) for name, measured in times.items()} == {"a": 20, "b": 20}
    switches = sum(one != other for one, other in pairwise(calls))
    assert 20 <= switches < 40  # one block of each would switch once, a fixed order 39 times and more


def test_benchmark_reports_each_shape(classifier_work: Work) -> None:
    rows = Benchmark(seconds=0.05).run(Verify().run(classifier_work)).benchmark
    assert [row.shape for row in rows] == ["1x1x8x8", "3x1x8x8"]
    for row in rows:
        assert 0 < row.ratio_p25 <= row.ratio <= row.ratio_p75
        assert row.p50_ms > 0
        assert row.reference_p50_ms > 0


def test_load_refuses_a_benchmark_beyond_the_models_own_length(embedder: Make, loaded: Loaded) -> None:
    project = embedder()
    spec = project.root / "models/tiny/model.yaml"
    spec.write_text(spec.read_text().replace("sequence_length: [8]", "sequence_length: [8, 25]"))
    with pytest.raises(SpecError) as caught:
        loaded(project)
    message = "25 is more than the source's max_length of 24 tokens"
    assert caught.value.problems == (Problem("models/tiny/model.yaml", 0, "benchmark", message),)


def test_package_writes_an_archive_of_what_was_proved(embedder_work: Work) -> None:
    work = Package().run(Verify().run(Optimize().run(embedder_work)))
    folder = present(work.artifact)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    with tarfile.open(folder / "model.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", "model.onnx", "tokenizer.json"]
        inner: Any = archive.extractfile("manifest.json")
        assert ServedModel.model_validate_json(inner.read()) == manifest.served
        assert {(entry.mtime, entry.uid, entry.uname) for entry in archive} == {(0, 0, "")}
    assert manifest.archive.size_bytes == (folder / "model.tar.gz").stat().st_size
    assert manifest.reference_bytes == (32 * 32 + 4 * (32 * 32 + 32) + 64) * 4


def test_quantize_dynamic_takes_a_transposed_gemm(classifier_work: Work) -> None:
    work = QuantizeDynamic().run(classifier_work)
    feeds = present(work.task).feeds((120, 1, 8, 8))
    assert "Gemm" in operators(classifier_work)
    assert "MatMulInteger" in operators(work)
    assert (answer(work, feeds).argmax(1) == answer(classifier_work, feeds).argmax(1)).all()


def test_transformation_is_proved_by_its_numbers_and_answers_tensors(
    scaler: Make, loaded: Loaded, export: Export
) -> None:
    work = Verify().run(Optimize().run(export(loaded(scaler()))))
    proof = present(work.proof)
    assert (proof.metric, proof.value, proof.samples) == ("r_squared", 1.0, 120)
    assert proof.details["largest_difference"] < 1e-6
    model = Model.load(present(work.served), threads=1)
    pictures = present(work.task).feeds((3, 1, 6, 4))["tensor"]
    wanted = pictures.reshape(3, 1, 3, 2, 2, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(model.predict(pictures.tolist()), wanted, atol=1e-6)


def test_verify_refuses_a_transformation_of_the_wrong_scale(scaler: Make, loaded: Loaded, export: Export) -> None:
    work = export(loaded(scaler()))
    set_weights(work, [1, 1, 2, 2], 0.275)  # a cosine would be 1
    with pytest.raises(GateError, match=r"halver: r_squared is 0\.\d+, .*; at least 0\.9999 is needed"):
        Verify().run(work)
