"""The files of a model repository: one model, or several that an ensemble connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.specs.manifest import Classify, Embed, Tokenize
from slipway.specs.servers.serving_code import sources
from slipway.specs.servers.triton_files import tensors, warm_up
from slipway.specs.servers.triton_files.text_format import Word, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.specs.manifest import ServedModel
    from slipway.specs.servers.triton_files.text_format import Message

MANIFEST: Final = "manifest.json"
PLATFORMS: Final = {
    "onnxruntime": ("onnxruntime_onnx", "model.onnx"),
    "onnxruntime-cuda": ("onnxruntime_onnx", "model.onnx"),
    "tensorrt": ("tensorrt_plan", "model.plan"),
}
"""Platform, and the name that it gives to the file, of each runtime that Triton has itself."""
ON_GPU: Final = frozenset({"onnxruntime-cuda", "tensorrt"})


MODEL_PY: Final = b"from serving.triton import TritonPythonModel as TritonPythonModel\n"
"""All that Triton looks for; the folder of the model is on the search path already."""


@dataclass(frozen=True)
class Wishes:
    """What the user chose, and what the machine gives.

    Args:
        max_batch: Most inputs that are computed together.
        preferred_batch: Sizes that are computed at once when they are reached.
        max_queue_delay_us: How long a request waits for others.
        max_queue: Most requests that wait; the next are refused. 0: as many as come.
        instances: Of the graph, that compute side by side.
        threads: Of each instance.
        version: Number of the model's folder.
        warm_up: Whether every step answers a request while it loads.
    """

    max_batch: int
    preferred_batch: tuple[int, ...]
    max_queue_delay_us: int
    max_queue: int
    instances: int
    threads: int
    version: int
    warm_up: bool


class Repository:
    """Writes the models of one artifact.

    Args:
        served: The artifact's manifest, as a server has it; its name is the one that callers ask.
        members: Names of the files in the artifact's archive.
        wishes: What was chosen.
    """

    def __init__(self, served: ServedModel, members: Sequence[str], wishes: Wishes) -> None:
        self._name, self._served, self._members, self._wishes = served.name, served, members, wishes
        self._batch = tensors.batched(served)
        self._files: dict[str, bytes | str] = {}

    def plain(self) -> dict[str, bytes | str]:
        """Return the graph alone: tensors in, tensors out."""
        self._graph(self._name)
        return self._files

    def python(self) -> dict[str, bytes | str]:
        """Return one model that does all, with the code of our own server."""
        inputs, outputs = tensors.asked(self._served), tensors.answered(self._served)
        self._python(self._name, "whole", inputs, outputs, self._members, example=True)
        return self._files

    def ensemble(self) -> dict[str, bytes | str]:
        """Return a model for each step, and the one that connects them."""
        served, name = self._served, self._name
        inner, made = tensors.of_graph(served.inputs, batch=self._batch), self._kept()
        asked, answered = tensors.asked(served), tensors.answered(served)
        steps = []
        if isinstance(served.preprocess, Tokenize):
            files = [MANIFEST, served.preprocess.tokenizer_file]
            self._python(f"{name}-tokenize", "tokenize", asked, inner, files, example=True)
            steps.append(_step(f"{name}-tokenize", _same(asked), _within(inner)))
        self._graph(f"{name}-graph")
        taken = _within(inner) if steps else {str(inner[0]["name"]): tensors.INPUTS}
        steps.append(_step(f"{name}-graph", taken, _within(made[:1])))
        self._python(f"{name}-answer", "answer", made, answered, [MANIFEST], example=False)
        steps.append(_step(f"{name}-answer", _within(made), _same(answered)))
        config = {"platform": "ensemble", **self._interface(asked, answered), "ensemble_scheduling": {"step": steps}}
        self._put(name, config)
        self._files[f"{name}/{self._wishes.version}/.keep"] = b""  # a version is a folder, though nothing lies in it
        return self._files

    def _kept(self) -> list[Message]:
        """Return what the last step takes: the graph's answer, and which tokens are no padding where it asks."""
        served = self._served
        kept = list(served.outputs[:1])
        if isinstance(served.postprocess, Embed) and served.postprocess.pooling == "mean":
            kept += [it for it in served.inputs if it.name == "attention_mask"]
        return tensors.of_graph(kept, batch=self._batch)

    def _graph(self, name: str) -> None:
        served = self._served
        inputs = tensors.of_graph(served.inputs, batch=self._batch)
        outputs = tensors.of_graph(served.outputs[:1], batch=self._batch)
        if served.runtime not in PLATFORMS:
            files = [it for it in self._members if it.partition(".")[0] == served.model_file.partition(".")[0]]
            self._python(name, "graph", inputs, outputs, [MANIFEST, *files], example=False)
            return
        platform, file = PLATFORMS[served.runtime]
        outputs = self._labelled(name, outputs)
        parts = {"platform": platform, **self._interface(inputs, outputs), **self._scheduling(served.runtime in ON_GPU)}
        if platform == "onnxruntime_onnx" and served.runtime not in ON_GPU:
            parts["parameters"] = [_parameter("intra_op_thread_count", str(self._wishes.threads))]
        self._put(name, parts, warm=warm_up.of_zeros(inputs, batch=self._batch))
        folder = f"{name}/{self._wishes.version}"
        self._files[f"{folder}/{file}"] = served.model_file
        for beside in self._members:  # an ONNX file names its weights, so that they keep their name
            if beside.startswith(f"{served.model_file}."):
                self._files[f"{folder}/{beside}"] = beside

    def _labelled(self, name: str, outputs: list[Message]) -> list[Message]:
        """Let Triton's own classification name the classes, where a line can hold each."""
        after = self._served.postprocess
        if not isinstance(after, Classify) or broken_labels(self._served):
            return outputs
        self._files[f"{name}/labels.txt"] = "".join(f"{label}\n" for label in after.labels).encode()
        return [{**outputs[0], "label_filename": "labels.txt"}]

    def _python(
        self,
        name: str,
        step: str,
        inputs: list[Message],
        outputs: list[Message],
        files: Sequence[str],
        *,
        example: bool,
    ) -> None:
        threads = self._wishes.threads if step in ("graph", "whole") else 1
        parts = {"backend": "python", **self._interface(inputs, outputs), **self._scheduling(on_gpu=False)}
        parts["parameters"] = [_parameter("step", step), _parameter("threads", str(threads))]
        warm = (
            warm_up.of_example(inputs, self._served, batch=self._batch)
            if example
            else warm_up.of_zeros(inputs, batch=self._batch)
        )
        self._put(name, parts, warm=warm)
        if example and self._wishes.warm_up:
            self._files[f"{name}/warmup/{warm_up.FILE}"] = warm_up.example(self._served, batch=self._batch)
        folder = f"{name}/{self._wishes.version}"
        self._files[f"{folder}/model.py"] = MODEL_PY
        self._files |= {f"{folder}/serving/{file}": content for file, content in sources().items()}
        self._files |= {f"{folder}/{file}": file for file in files}

    def _interface(self, inputs: list[Message], outputs: list[Message]) -> dict[str, Any]:
        most = self._wishes.max_batch if self._batch else 0
        return {"max_batch_size": most, "input": inputs, "output": outputs}

    def _scheduling(self, on_gpu: bool) -> dict[str, Any]:  # noqa: FBT001  a fact, not a switch
        wishes = self._wishes
        kind = Word("KIND_GPU" if on_gpu else "KIND_CPU")
        parts: dict[str, Any] = {"instance_group": {"count": wishes.instances, "kind": kind}}
        queue: Message = (
            {"max_queue_size": wishes.max_queue, "timeout_action": Word("REJECT")} if wishes.max_queue else {}
        )
        batching: Message = {
            "preferred_batch_size": wishes.preferred_batch,
            "max_queue_delay_microseconds": wishes.max_queue_delay_us,
            **({"default_queue_policy": queue} if queue else {}),
        }
        if self._batch:
            parts["dynamic_batching"] = batching
        latest: Message = {"specific": {"versions": [wishes.version]}}
        return {**parts, "version_policy": latest}

    def _put(self, name: str, config: dict[str, Any], warm: Message | None = None) -> None:
        warmed = {"model_warmup": warm} if warm is not None and self._wishes.warm_up else {}
        self._files[f"{name}/config.pbtxt"] = text({"name": name, **config, **warmed}).encode()


def _parameter(key: str, value: str) -> Message:
    return {"key": key, "value": {"string_value": value}}


def _step(name: str, taken: Mapping[str, str], given: Mapping[str, str]) -> Message:
    def pairs(names: Mapping[str, str]) -> list[Message]:
        return [{"key": key, "value": value} for key, value in names.items()]

    return {"model_name": name, "model_version": -1, "input_map": pairs(taken), "output_map": pairs(given)}


def _same(tensors_: Sequence[Message]) -> dict[str, str]:
    return {str(each["name"]): str(each["name"]) for each in tensors_}


def broken_labels(served: ServedModel) -> list[str]:
    """Return the labels that are no line: Triton reads a label a line, and would misname every class after them."""
    after = served.postprocess
    return [label for label in after.labels if "\n" in label] if isinstance(after, Classify) else []


def _within(tensors_: Sequence[Message]) -> dict[str, str]:
    """Return names that no caller sees, and that cannot be those which a caller sees."""
    return {str(each["name"]): f"graph.{each['name']}" for each in tensors_}
