from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from model_build.graph import read_onnx
from serving.runtimes import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import onnx

    from model_build.source import Original


class OnnxModule(torch.nn.Module):
    """An ONNX file where a PyTorch module is expected: it answers in ONNX Runtime and is copied, not traced.

    Args:
        file: Its external data lies beside it.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self._threads, self._session = 0, OnnxRuntime(file, threads=1, calls=1, options={})
        self.takes: dict[str, str] = self._session.inputs
        self._output = next(iter(self._session.outputs))
        self.eval()

    @property
    def weights_bytes(self) -> int:
        """Size of the file and of the data beside it."""
        from model_build.sources.onnx_weights import data_files

        return sum(path.stat().st_size for path in (self.file, *data_files(self.file)))

    def forward(self, *tensors: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """Return the first output."""
        feeds = {**dict(zip(self.takes, tensors, strict=False)), **named}
        return torch.from_numpy(self.answer({name: tensor.numpy() for name, tensor in feeds.items()}))

    def answer(self, feeds: dict[str, np.ndarray]) -> np.ndarray:
        """Return the first output, computed with as many threads as PyTorch would take: they are timed against it."""
        if torch.get_num_threads() != self._threads:
            self._threads = torch.get_num_threads()
            self._session = OnnxRuntime(self.file, threads=self._threads, calls=1, options={})
        return self._session.run(self._output, feeds)

    def renamed(self, inputs: Mapping[str, object], output: str) -> onnx.ModelProto:
        """Return the graph, its weights in memory, with the names that the task gives to its inputs and its output."""
        import onnx

        model = read_onnx(self.file)
        takes = list(self.takes)
        names = dict(zip(takes, takes if set(takes) == set(inputs) else inputs, strict=True))
        names = {before: after for before, after in {**names, self._output: output}.items() if before != after}
        others = [value for value in model.graph.output if value.name != self._output]
        for value in others:
            model.graph.output.remove(value)
        taken = {name for node in _nodes(model.graph) for name in (*node.input, *node.output)} & set(names.values())
        _rename(model.graph, {**{name: f"{name}_inner" for name in taken}, **names})
        del model.graph.value_info[:]  # the checker infers them anew
        return onnx.shape_inference.infer_shapes(model) if self.weights_bytes < SMALL_BYTES else model


def without_layers(original: Original) -> str | None:
    """Say that an original has no layers of PyTorch, for passes that need them; None where it has."""
    is_file = isinstance(original.module, OnnxModule)
    return "the original is an ONNX file, which has no layers of PyTorch" if is_file else None


SMALL_BYTES = 1 << 30
"""Shape inference takes a message of less than 2 GiB, twice over."""


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    found = list(graph.node)
    for node in graph.node:
        for attribute in node.attribute:
            for inner in _graphs(attribute):
                found += _nodes(inner)
    return found


def _graphs(attribute: onnx.AttributeProto) -> list[onnx.GraphProto]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    values: list[Any] = [*graph.input, *graph.output, *graph.initializer]
    for value in values:
        value.name = names.get(value.name, value.name)
    for node in _nodes(graph):
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        for place, name in enumerate(node.output):
            node.output[place] = names.get(name, name)
