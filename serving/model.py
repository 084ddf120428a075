from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import onnxruntime

from serving import manifest as manifests
from serving import postprocess, preprocess
from serving.errors import ManifestError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from serving.manifest import Manifest, Tensor
    from serving.postprocess import Postprocess
    from serving.preprocess import Feeds, Preprocess


class Model:
    """One model that answers, described by its manifest alone; safe to call from several threads at once.

    Use `Model.load`.
    """

    def __init__(self, manifest: Manifest, folder: Path, session: Any, before: Preprocess, after: Postprocess) -> None:
        self.manifest = manifest
        self._folder = folder
        self.preprocess = before
        self.postprocess = after
        self._session = session
        self._wanted = [manifest.outputs[0].name]

    @classmethod
    def load(cls, folder: Path, *, threads: int) -> Self:
        """Load the model that lies in `folder` beside its `manifest.json`.

        Args:
            folder: The unpacked archive.
            threads: How many threads work on one call.

        Raises:
            ManifestError: If the manifest is missing, broken, or does not describe this model.
            ModelError: If the model or its tokenizer cannot be loaded.
        """
        manifest = manifests.read(folder)
        before, after = preprocess.make(manifest, folder), postprocess.make(manifest)
        session = _session(folder / manifest.model_file, threads)
        _require_same(manifest.inputs, session.get_inputs(), "inputs", exact=True)
        _require_same(manifest.outputs, session.get_outputs(), "outputs", exact=False)
        return cls(manifest, folder, session, before, after)

    def with_threads(self, threads: int) -> Model:
        """Return the same model on a session of its own with `threads` threads; all else is shared."""
        session = _session(self._folder / self.manifest.model_file, threads)
        return Model(self.manifest, self._folder, session, self.preprocess, self.postprocess)

    def predict(self, inputs: list[Any]) -> np.ndarray:
        """Return (batch, dimensions) embeddings, (batch, classes) probabilities or a batch of tensors, float32.

        Args:
            inputs: Raw texts, or nested numbers, as the manifest says.

        Raises:
            InputError: If the inputs are not what the model takes.
        """
        return self.run(self.preprocess(inputs))

    def run(self, feeds: Feeds) -> np.ndarray:
        """Return the same as `predict` for tensors that are ready for the model."""
        return self.postprocess(self._session.run(self._wanted, feeds)[0], feeds)

    def prove(self) -> None:
        """Answer the manifest's example.

        Raises:
            ModelError: If the answer is not finite.
        """
        answer = self.predict(self.manifest.example)
        if not np.isfinite(answer).all():
            raise ModelError(f"{self.manifest.model_file}: the example's answer is not finite")


def _session(path: Path, threads: int) -> Any:
    if not path.is_file():
        raise ModelError(f"{path}: missing, though the manifest names it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; its warnings are no user's business
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as error:  # the runtime's own exceptions share no public base
        raise ModelError(f"{path}: cannot be loaded: {str(error).splitlines()[0]}") from error


def _require_same(stated: tuple[Tensor, ...], found: list[Any], side: str, *, exact: bool) -> None:
    types = {node.name: node.type.removeprefix("tensor(").removesuffix(")") for node in found}
    for tensor in stated:
        if tensor.name not in types:
            raise ManifestError(f"{side}: {tensor.name!r} is not in the model, which has: {', '.join(types)}")
        if np.dtype(_NUMPY.get(types[tensor.name], types[tensor.name])) != np.dtype(tensor.dtype):
            raise ManifestError(
                f"{side}: {tensor.name!r} is {tensor.dtype} in the manifest, {types[tensor.name]} in the model"
            )
    missing = set(types) - {tensor.name for tensor in stated}
    if exact and missing:
        raise ManifestError(f"{side}: the model also has {', '.join(sorted(missing))}, which the manifest leaves out")


_NUMPY = {"float": "float32", "double": "float64"}
