"""Memory that dynamic quantisation takes, by our pass and by onnxruntime's own function, in a fresh process each.

    .venv/bin/python -m benchmarks.quantize [LAYERS]

A layer is a matrix of 2,048 x 2,048; the weights lie beside the graph, as those of large models do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from model_build.graph import Graph

WIDTH = 2048
WAYS = {
    "slipway": "QuantizeDynamic().shape(SimpleNamespace(graph=graph), into)",
    "onnxruntime": "quantize_dynamic(graph.as_onnx(), into / 'model.onnx', ['MatMul'], per_channel=True, "
    "weight_type=QuantType.QInt8)",
}
QUANTIZE = """
import sys
from pathlib import Path
from types import SimpleNamespace
from onnxruntime.quantization import QuantType, quantize_dynamic
from model_build.graph import Graph
from model_build.memory import peak_bytes
from model_build.passes.quantize_dynamic import QuantizeDynamic

graph, into = Graph(Path(sys.argv[1])), Path(sys.argv[2])
before = peak_bytes()
{way}
print(peak_bytes() - before)
"""


def main(layers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-quantize-") as folder:
        before = Path(folder) / "before"
        before.mkdir()
        weights = write_model(before, layers).size_bytes
        print(f"{weights / 1e6:,.0f} MB of weights")
        for way in WAYS:
            into = Path(folder) / way
            into.mkdir()
            peak = peak_bytes(way, before, into)
            print(f"  {way:<12} {peak / 1e6:>6,.0f} MB, {peak / weights:.2f} times the weights")


def write_model(folder: Path, layers: int) -> Graph:
    """Write so many products in a row."""
    numbers, nodes, weights = np.random.default_rng(0), [], []
    for at in range(layers):
        weight = numbers.standard_normal((WIDTH, WIDTH), dtype=np.float32)
        weights.append(onnx.numpy_helper.from_array(weight, f"weight{at}"))
        nodes.append(helper.make_node("MatMul", [f"value{at}", f"weight{at}"], [f"value{at + 1}"]))
    ends = ("value0", f"value{layers}")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ends]
    graph = helper.make_graph(nodes, "large", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    return Graph.of_onnx(model, folder, big_bytes=0)


def peak_bytes(way: str, before: Path, into: Path) -> int:
    """Return how much more memory a process has had after quantising than before."""
    command = [sys.executable, "-c", QUANTIZE.format(way=WAYS[way]), str(before), str(into)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=600).stdout)  # noqa: S603  ours


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 40)
