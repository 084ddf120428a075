from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from model_build.mixing import mix
from model_build.passes.quantize_calibrated import SMOOTH, smoothed
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import openvino

    from model_build.graph import Graph
    from model_build.tasks import Feeds


@dataclass(frozen=True)
class QuantizeMixed(ShapingPass):
    """Quantise as ``quantize_calibrated`` does, and leave in float the layers that the gate cannot bear in int8.

    The model is calibrated once. Each layer is then quantised alone and measured, and those that move the answers most
    stay, as few as the gate lets.

    Args:
        gate: That has to hold, in words: another gate makes another form.
        transformer: Smooth, and leave to float what attention cannot bear in int8.
        samples: Calibration inputs looked at, at most.
        smooth: As there.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "quantize_mixed"

    gate: str
    transformer: bool = False
    samples: int = 128
    smooth: float = SMOOTH

    def unfit(self, work: Work) -> str | None:
        """Ask for calibration data."""
        return present(work.task).calibration_missing(work.spec)

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the graph quantised but for the layers that stay."""
        inputs = list(present(work.task).calibration(work.spec, work.source_folder))[: self.samples]
        exact = present(work.graph).as_openvino()
        return mix(work, _Calibrated(exact, self._quantized(present(work.graph).as_openvino(), inputs)), inputs, into)

    def _quantized(self, model: openvino.Model, inputs: list[Feeds]) -> openvino.Model:
        """Return the model with every quantisation as an operator that can be taken out again."""
        import nncf
        from nncf.openvino.quantization.backend_parameters import BackendParameters

        return nncf.quantize(
            model,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER if self.transformer else None,
            subset_size=len(inputs),
            advanced_parameters=smoothed(self.smooth, backend_params={BackendParameters.COMPRESS_WEIGHTS: False}),
        )


class _Calibrated:
    """What the calibration gave, of which layers can be given back their floats."""

    def __init__(self, exact: openvino.Model, quantized: openvino.Model) -> None:
        self._quantized = quantized
        self._biases = {node.get_friendly_name(): _bias(node) for node in exact.get_ops()}
        found = (node for node in quantized.get_ordered_ops() if any(it is not None for it in _fakes(node)))
        self.worth: Mapping[str, float] = {node.get_friendly_name(): 1.0 for node in found}

    def model(self, floats: Collection[str]) -> openvino.Model:
        """Return the model, its quantised weights in int8."""
        from openvino._offline_transformations import compress_quantize_weights_transformation

        model = self._quantized.clone()
        for node in model.get_ordered_ops():
            if node.get_friendly_name() in floats:
                self._restore(node)
        compress_quantize_weights_transformation(model)
        return model

    def _restore(self, node: Any) -> None:
        for place, fake in enumerate(_fakes(node)):
            if fake is not None:
                node.input(place).replace_source_output(fake.input_value(0))
        for user in node.output(0).get_target_inputs():
            self._restore_bias(user.get_node())

    def _restore_bias(self, add: Any) -> None:
        """Take back what was added to make up for the error of eight bits."""
        from openvino import opset15

        corrected = _bias(add)
        if corrected is not None:
            before = self._biases.get(add.get_friendly_name())
            values = corrected.data * 0 if before is None else before.data  # one that had none got a zero first
            constant = opset15.constant(values, name=f"{add.get_friendly_name()}/bias")
            add.input(1).replace_source_output(constant.output(0))


def _fakes(node: Any) -> list[Any]:
    """Return what quantises each input of a layer, None where nothing does."""
    sources = [node.input_value(place).get_node() for place in range(node.get_input_size())]
    if node.get_type_name() == "FakeQuantize":
        return []
    return [source if source.get_type_name() == "FakeQuantize" else None for source in sources]


def _bias(node: Any) -> Any:
    """Return the constant that a node adds to what came before it, or None."""
    if node.get_type_name() != "Add" or node.get_input_size() < 2:  # noqa: PLR2004  both sides of a sum
        return None
    constant = node.input_value(1).get_node()
    return constant if constant.get_type_name() == "Constant" else None
