"""What the passes shape: a model file and its weights, in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from model_build.openvino_names import name_anew
from slipway.specs import Mixture

if TYPE_CHECKING:
    from pathlib import Path

    import onnx
    import openvino

Runtime = Literal[
    "onnxruntime", "onnxruntime-cuda", "openvino", "tensorrt", "tensorrt-rtx", "aotinductor", "safetensors"
]

MODEL_FILES: dict[Runtime, str] = {
    "onnxruntime": "model.onnx",
    "onnxruntime-cuda": "model.onnx",
    "openvino": "model.xml",
    "tensorrt": "model.plan",
    "tensorrt-rtx": "model.rtx-engine",
    "aotinductor": "model.pt2",
    "safetensors": "config.json",
}
WEIGHTS_FILE = "model.onnx.data"
DESCRIPTION = "graph.json"
ENCODER = "encoder"
INTERFACE_FILE = "interface.onnx"
"""Inputs and outputs of an engine, which only its own GPU could be asked for."""
MIXTURE_FILE = "mixture.json"
BESIDE = (DESCRIPTION, INTERFACE_FILE, MIXTURE_FILE)
"""What is no runtime's business."""
BIG_BYTES = 1 << 30
"""From here on an ONNX model's weights lie beside it: protobuf ends at 2 GiB, and a file can be mapped."""


def link(source: Path, target: Path) -> None:
    """Let a second name stand for weights that are never written again, or copy them where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def read_onnx(file: Path) -> onnx.ModelProto:
    """Return an ONNX model with its weights in memory.

    The weights are read here: onnx refuses a file that has a second name, as ours have where forms share them.
    """
    import onnx

    model = onnx.load(file, load_external_data=False)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _take_in(tensor, file.parent)
    return model


def _take_in(tensor: onnx.TensorProto, folder: Path) -> None:
    place = {entry.key: entry.value for entry in tensor.external_data}
    with (folder / place["location"]).open("rb") as file:
        file.seek(int(place.get("offset", 0)))
        tensor.raw_data = file.read(int(place.get("length", -1)))
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")


def encoder_folder(folder: Path) -> Path:
    """Return where the encoder lies that goes with a decoder in a folder."""
    return folder / ENCODER


@dataclass(frozen=True)
class Graph:
    """One form of the model on its way.

    It lies on the disk, not in memory: a pass reads what it needs, and a cache may keep it.

    Args:
        folder: Holds the files and nothing else.
        runtime: That runs it.
        options: What that runtime is told, in its own words.
        mixture: Which layers stay in float, where not all are treated alike.
    """

    folder: Path
    runtime: Runtime = "onnxruntime"
    options: dict[str, str] = field(default_factory=dict)
    mixture: Mixture | None = None

    @property
    def file(self) -> Path:
        """The model file."""
        return self.folder / MODEL_FILES[self.runtime]

    @property
    def interface(self) -> Path:
        """An ONNX file that names the inputs and outputs; of an engine it holds nothing else."""
        beside = self.folder / INTERFACE_FILE
        return beside if beside.is_file() else self.file

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        encoder = self.encoder()
        own = sum(path.stat().st_size for path in self.files())
        return own if encoder is None else own + encoder.size_bytes

    def as_onnx(self) -> onnx.ModelProto:
        """Return the model with its weights in memory."""
        return read_onnx(self.file)

    def skeleton(self) -> onnx.ModelProto:
        """Return the model without the weights that lie beside it, for passes that do not look at them."""
        import onnx

        return onnx.load(self.file, load_external_data=False)

    def as_openvino(self) -> openvino.Model:
        """Return the model with its weights mapped from the disk; an ONNX model is converted."""
        import openvino

        return openvino.Core().read_model(self.file)

    def encoder(self) -> Graph | None:
        """Return the graph that is asked once before this one, where there is one."""
        return Graph.found(encoder_folder(self.folder))

    def files(self) -> list[Path]:
        """Return what the runtime reads; the encoder's are its own."""
        here = (path for path in self.folder.iterdir() if path.is_file())
        return sorted(path for path in here if path.name not in BESIDE)

    @classmethod
    def of_onnx(cls, model: onnx.ModelProto, folder: Path, *, big_bytes: int = BIG_BYTES) -> Self:
        """Write an ONNX model, the same bytes every time."""
        import onnx

        graph = cls(folder)
        if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < big_bytes:  # a message cannot tell
            graph.file.write_bytes(model.SerializeToString(deterministic=True))
        else:
            onnx.save(model, graph.file, save_as_external_data=True, location=WEIGHTS_FILE)
        return graph

    @classmethod
    def of_skeleton(cls, model: onnx.ModelProto, folder: Path, before: Graph) -> Self:
        """Write what was made of a skeleton; the weights beside it get a second name there."""
        graph = cls(folder)
        graph.file.write_bytes(model.SerializeToString(deterministic=True))
        for path in before.files():
            if path != before.file:
                link(path, folder / path.name)
        return graph

    @classmethod
    def of_openvino(cls, model: openvino.Model, folder: Path, options: dict[str, str] | None = None) -> Self:
        """Write an OpenVINO model, weights as they are: its writer's own default halves their precision."""
        import openvino

        graph = cls(folder, "openvino", options or {})
        name_anew(model)
        openvino.save_model(model, graph.file, compress_to_fp16=False)
        return graph

    def describe(self) -> None:
        """Write down what is not in the files, so that ``found`` can tell; and how large those are."""
        sizes = {path.name: path.stat().st_size for path in self.files()}
        document = {"runtime": self.runtime, "options": self.options, "sizes": sizes}
        if self.mixture is not None:
            (self.folder / MIXTURE_FILE).write_text(self.mixture.model_dump_json(), encoding="utf-8")
        (self.folder / DESCRIPTION).write_text(json.dumps(document, sort_keys=True), encoding="utf-8")

    @classmethod
    def found(cls, folder: Path) -> Self | None:
        """Return the graph that was described in a folder; None where none was finished, or half of it is gone."""
        try:
            document = json.loads((folder / DESCRIPTION).read_bytes())
            sizes = document.pop("sizes")
            whole = all((folder / name).stat().st_size == size for name, size in sizes.items())
        except (OSError, ValueError, KeyError):
            return None
        mixture = folder / MIXTURE_FILE
        mixed = Mixture.model_validate_json(mixture.read_bytes()) if mixture.is_file() else None
        graph = cls(folder, **document, mixture=mixed)
        return graph if whole and graph.file.name in sizes else None
