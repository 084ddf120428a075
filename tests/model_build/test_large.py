"""What a large model takes while it is quantised, and that it comes out as its library would have made it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import onnx
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from benchmarks.quantize import peak_bytes, write_model
from model_build.graph import Graph
from model_build.passes.optimize import Optimize
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.work import present

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.work import Work

LAYERS = 10


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much a process has had")
def test_quantize_dynamic_takes_about_twice_the_weights_and_no_more(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    weights = write_model(before, LAYERS).size_bytes
    peak = peak_bytes("slipway", before, after)
    assert Graph(after).size_bytes < 0.3 * weights
    assert 0.5 * weights < peak < 2.5 * weights  # onnxruntime's own takes 4.3 times


@pytest.mark.parametrize("model", ["embedder_work", "classifier_work"])
def test_quantize_dynamic_is_onnxruntimes_own_to_the_byte(
    model: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    work: Work = request.getfixturevalue(model)
    exact = Optimize().run(replace(work, scratch=tmp_path / "exact"))
    given = present(exact.graph).as_onnx()
    del given.graph.value_info[:]
    quantize_dynamic(
        given,
        tmp_path / "theirs.onnx",
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    ours = present(QuantizeDynamic().run(exact).graph).file
    assert ours.read_bytes() == (tmp_path / "theirs.onnx").read_bytes()
