from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from model_build.graph import INTERFACE_FILE, Graph
from model_build.work import ShapingPass, Work, present
from serving.cuda import devices
from slipway.specs import Problem, SpecError
from slipway.specs.gpu import LEAST_FP8

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from slipway.specs.gpu import Precision

Backend = Literal["tensorrt", "tensorrt-rtx"]
MODULES: Final[dict[Backend, str]] = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
RTX_BUILDS_FOR: Final = (75, 80, 86, 89, 120)
WORDS = re.compile(r"(?:\[[^\]]*\] )?(?P<words>.*?)\.? In \w+ at /.*", re.DOTALL)
"""What the compiler says is wrapped into where in its own source it says so."""


@dataclass(frozen=True)
class CompileTensorRt(ShapingPass):
    """Compile the typed graph into an engine for one GPU architecture.

    TensorRT compiles on the GPU itself. TensorRT-RTX, a product of its own whose engines TensorRT cannot read, compiles
    for any architecture that it knows without a GPU or a driver, and makes the same bytes every time, but for some
    hundred in eight-bit convolutions: numbers in names of its own, which follow the addresses of its memory.

    Args:
        backend: Which of the two.
        sm: Architecture, as NVIDIA numbers it.
        precision: That the passes before it gave the graph.
        batch: Best and largest number of inputs computed together.
        length: Likewise tokens of an input; largest None is the source's own.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "compile_tensorrt"

    backend: Backend
    sm: int
    precision: Precision
    batch: tuple[int, int]
    length: tuple[int, int | None] | None = None

    def unfit(self, work: Work) -> str | None:  # noqa: ARG002  the machine's matter alone
        """Ask for an architecture that is compiled for and has the precision, and for the compiler."""
        if (reason := self.impossible()) is not None:
            return reason
        if find_spec(MODULES[self.backend]) is None:
            return f"{MODULES[self.backend]} is not installed"
        if self.backend == "tensorrt" and not devices():
            return "TensorRT compiles on the GPU itself, and this machine has none"
        return None

    def impossible(self) -> str | None:
        """Say why no machine makes this engine; None where one does."""
        if self.precision == "fp8" and self.sm < LEAST_FP8:
            return f"a GPU of SM {self.sm} computes in no eight-bit floats, which begin with SM {LEAST_FP8}"
        if self.backend == "tensorrt-rtx" and self.sm not in RTX_BUILDS_FOR:
            return f"TensorRT-RTX compiles for SM {', '.join(map(str, RTX_BUILDS_FOR))}, not for {self.sm}"
        if self.backend == "tensorrt-rtx" and (self.precision, self.sm) == ("fp32", 75):
            return "TensorRT-RTX has no float32 products for SM 75"
        return None

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the engine."""
        sizes, source = self._sizes(work), present(work.graph)
        compiler = _Compiler(import_module(MODULES[self.backend]))
        network = compiler.parse(source.file)
        engine = compiler.compile(network, _profile(source.file, sizes), self._target)
        graph = Graph(into, self.backend, {"sm": str(self.sm)})
        graph.file.write_bytes(engine)
        (into / INTERFACE_FILE).write_bytes(_interface(source.file))
        return graph

    @property
    def _target(self) -> int | None:
        return self.sm if self.backend == "tensorrt-rtx" else None  # TensorRT compiles for the GPU that it runs on

    def _sizes(self, work: Work) -> dict[str, tuple[int, int, int]]:
        """Return smallest, best and largest size by the name of the dimension."""
        sizes = {"batch": (1, *self.batch)}
        if self.length is not None:
            original: Any = present(work.original)
            longest, best = int(original.max_length), self.length[0]
            most = longest if self.length[1] is None else self.length[1]
            if most > longest:
                message = f"{most} tokens are more than the source's max_length of {longest}: the source cuts them off"
                raise SpecError([Problem(f"models/{work.name}/model.yaml", 0, "gpu.sequence_length.max", message)])
            sizes["length"] = (1, best, most)
        return sizes


class _Compiler:
    """One of the two libraries, which are alike."""

    def __init__(self, library: Any) -> None:
        self._library, self._said = library, list[str]()
        self._log = _log(library, self._said)
        self._builder = library.Builder(self._log)

    def parse(self, file: Path) -> Any:
        """Return the network of an ONNX file.

        Raises:
            ValueError: With each node that the library does not know.
        """
        flags = self._library.NetworkDefinitionCreationFlag
        typed = getattr(flags, "STRONGLY_TYPED", None)  # TensorRT 11 knows nothing else, and may have no flag for it
        network = self._builder.create_network(0 if typed is None else 1 << int(typed))
        parser = self._library.OnnxParser(network, self._log)
        if not parser.parse_from_file(str(file)):
            errors = [parser.get_error(number) for number in range(parser.num_errors)]
            raise ValueError("; ".join(f"node '{it.node_name()}' ({it.node_operator()}): {it.desc()}" for it in errors))
        self._parser = parser  # the network points into its weights
        return network

    def compile(self, network: Any, profile: dict[str, list[tuple[int, ...]]], sm: int | None) -> bytes:
        """Return the engine.

        Raises:
            ValueError: With what the library says first.
        """
        config, shapes = self._builder.create_builder_config(), self._builder.create_optimization_profile()
        config.clear_flag(self._library.BuilderFlag.TF32)  # float32 means float32
        for name, (least, best, most) in profile.items():
            shapes.set_shape(name, least, best, most)
        config.add_optimization_profile(shapes)
        if sm is not None:
            config.num_compute_capabilities = 1
            config.set_compute_capability(getattr(self._library.ComputeCapability, f"SM{sm}"), 0)
        engine = self._builder.build_serialized_network(network, config)
        if engine is None:
            raise ValueError(_words(self._said[0]) if self._said else "the compiler says nothing about why")
        return bytes(engine)


def _log(library: Any, said: list[str]) -> Any:
    """Return a log that keeps what goes wrong."""

    class Log(library.ILogger):  # type: ignore[misc]  # the class is the library's
        def log(self, severity: Any, words: str) -> None:
            if severity in (library.ILogger.ERROR, library.ILogger.INTERNAL_ERROR):
                said.append(words)

    return Log()


def _profile(file: Path, sizes: dict[str, tuple[int, int, int]]) -> dict[str, list[tuple[int, ...]]]:
    """Return smallest, best and largest shape by the name of the input."""
    import onnx

    profile = {}
    for value in onnx.load(file, load_external_data=False).graph.input:
        dims = value.type.tensor_type.shape.dim
        free = [dim.dim_param for dim in dims if not dim.HasField("dim_value")]
        if unknown := [name for name in free if name not in sizes]:
            raise ValueError(f"input '{value.name}' may have any {unknown[0]}, and no profile says which is used")
        profile[value.name] = [tuple(dim.dim_value or sizes[dim.dim_param][at] for dim in dims) for at in range(3)]
    return profile


def _words(said: str) -> str:
    inner = said.split("Error Code", 1)[-1].partition("(")[2]
    found = WORDS.match(inner)
    return said if found is None else found["words"]


def _interface(file: Path) -> bytes:
    """Return the ONNX file without all that lies between its inputs and outputs."""
    import onnx

    model: onnx.ModelProto = onnx.load(file, load_external_data=False)
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    return bytes(model.SerializeToString(deterministic=True))
