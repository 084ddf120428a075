"""What a large model takes while it is quantised, and that it comes out as its library would have made it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from model_build.graph import Graph
from model_build.passes.optimize import Optimize
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.work import present

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.work import Work

LAYERS, WIDTH = 10, 2048
QUANTIZE = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
import onnxruntime.quantization
from model_build.graph import Graph
from model_build.passes.quantize_dynamic import QuantizeDynamic

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
QuantizeDynamic().shape(SimpleNamespace(graph=Graph(Path(sys.argv[1]))), Path(sys.argv[2]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def write_large(folder: Path) -> Graph:
    from onnx import TensorProto, helper

    numbers, nodes, weights = np.random.default_rng(0), [], []
    for at in range(LAYERS):
        weight = numbers.standard_normal((WIDTH, WIDTH), dtype=np.float32)
        weights.append(onnx.numpy_helper.from_array(weight, f"weight{at}"))
        nodes.append(helper.make_node("MatMul", [f"value{at}", f"weight{at}"], [f"value{at + 1}"]))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ("value0", f"value{LAYERS}")
    ]
    graph = helper.make_graph(nodes, "large", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    return Graph.of_onnx(model, folder, big_bytes=0)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is KiB on Linux")
def test_quantize_dynamic_takes_about_twice_the_weights_and_no_more(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    weights = write_large(before).size_bytes
    done = subprocess.run(
        [sys.executable, "-c", QUANTIZE, str(before), str(after)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert Graph(after).size_bytes < 0.3 * weights
    assert int(done.stdout) < 2.5 * weights  # onnxruntime's own quantize_dynamic takes 4.3 times


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
