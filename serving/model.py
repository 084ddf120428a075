from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import orjson

from serving import manifest as manifests
from serving import postprocess, preprocess, runtimes
from serving.decoder import Decoder
from serving.errors import ManifestError, ModelError
from serving.generate import Generator
from serving.handler import Handler
from serving.negotiate import JSON
from serving.rewriter import Rewriter
from serving.texts import TokenizePrompts

if TYPE_CHECKING:
    from pathlib import Path

    from serving.batching import Padding
    from serving.manifest import Manifest, Tensor
    from serving.postprocess import Postprocess
    from serving.preprocess import Feeds, Preprocess
    from serving.runtimes import Session

ENCODER = "encoder"
"""Folder of the graph that is asked once before the model's own."""


class Model:
    """One model that answers, described by its manifest alone; safe to call from several threads at once.

    Use `Model.load`.
    """

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        session: Session,
        before: Preprocess,
        after: Postprocess,
        decoder: Decoder | None = None,
        handler: Handler | None = None,
    ) -> None:
        self.manifest = manifest
        self.handler = handler
        self._folder = folder
        self.preprocess = before
        self.postprocess = after
        self._session = session
        self._output = manifest.outputs[0].name
        self.generator = None
        if decoder is not None and isinstance(before, TokenizePrompts):
            self.generator = Generator(manifest, decoder, before)

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
        session = _session(manifest, folder, threads)
        _require_same(manifest.inputs, session.inputs, "inputs", exact=True)
        _require_same(manifest.outputs, session.outputs, "outputs", exact=False)
        decoder = _decoder(manifest, folder, session, threads)
        handler = None if manifest.handler is None else Handler.load(folder, manifest.handler)
        return cls(manifest, folder, session, before, after, decoder, handler)

    def with_threads(self, threads: int, calls: int = 1) -> Model:
        """Return the same model on a session of its own, with `threads` threads for each of `calls` at once."""
        session = _session(self.manifest, self._folder, threads, calls)
        decoder = _decoder(self.manifest, self._folder, session, threads, calls)
        return Model(self.manifest, self._folder, session, self.preprocess, self.postprocess, decoder, self.handler)

    @property
    def padding(self) -> Padding | None:
        """How its texts may be made longer without changing their answers; None where that is not so."""
        # An answer that is as long as its text would grow with it.
        pooled = isinstance(self.manifest.postprocess, (manifests.Embed, manifests.Classify))
        return self.preprocess.padding if pooled else None

    @property
    def example(self) -> Feeds:
        """The tensors of a request that it answers for certain: the manifest's example, as its handler leaves it."""
        return self._feeds(self.manifest.example)

    def predict(self, inputs: list[Any]) -> np.ndarray:
        """Return (batch, dimensions) embeddings, (batch, classes) probabilities, a batch of tensors, float32.

        Of a model that generates: (batch, vocabulary) logits of what comes next.

        Args:
            inputs: Raw texts, or nested numbers, as the manifest says.

        Raises:
            InputError: If the inputs are not what the model takes.
            HandlerError: If the handler fails; it reads the request, and its document must be JSON.
        """
        answer = self.run(self._feeds(inputs))
        if self.handler is not None:
            self.document(answer)
        return answer

    def _feeds(self, inputs: list[Any]) -> Feeds:
        if self.handler is None or not self.handler.reads or JSON not in self.handler.accepts:
            return self.preprocess(inputs)
        return self.read(orjson.dumps({"inputs": inputs}, option=orjson.OPT_SERIALIZE_NUMPY), JSON)

    def read(self, body: bytes, content_type: str) -> Feeds:
        """Return the model's tensors of a request that its handler reads."""
        assert self.handler is not None  # noqa: S101  asked where it reads
        inputs = self.handler.inputs(body, content_type)
        return self.preprocess.from_array(inputs) if isinstance(inputs, np.ndarray) else self.preprocess(inputs)

    def document(self, answer: np.ndarray) -> Any:
        """Return an answer as the document of a JSON body."""
        if self.handler is not None and self.handler.writes:
            return self.handler.document(answer)
        return self.postprocess.document(answer)

    def run(self, feeds: Feeds) -> np.ndarray:
        """Return the same as `predict` for tensors that are ready for the model."""
        if self.generator is not None:
            return self.generator.decoder.logits(feeds)
        return self.postprocess(self.ask(feeds), feeds)

    def ask(self, feeds: Feeds) -> np.ndarray:
        """Return what the model itself says, before any postprocessing."""
        return self._session.run(self._output, feeds)

    def prove(self) -> None:
        """Answer the manifest's example.

        Raises:
            ModelError: If the answer is not finite.
        """
        answer = self.predict(self.manifest.example)
        if not np.isfinite(answer).all():
            raise ModelError(f"{self.manifest.model_file}: the example's answer is not finite")


def _session(manifest: Manifest, folder: Path, threads: int, calls: int = 1) -> Session:
    file, options = folder / manifest.model_file, manifest.options
    return runtimes.load(manifest.runtime, file, threads=threads, calls=calls, options=options)


def _decoder(manifest: Manifest, folder: Path, session: Session, threads: int, calls: int = 1) -> Decoder | None:
    """Return what reads texts and goes on with them, where the manifest says that the model does."""
    if isinstance(manifest.postprocess, manifests.Rewrite):
        encoder = _session(manifest, folder / ENCODER, threads, calls)
        return Rewriter(manifest, session, encoder, manifest.postprocess.start)
    return Decoder(manifest, session) if isinstance(manifest.postprocess, manifests.Generate) else None


def _require_same(stated: tuple[Tensor, ...], found: dict[str, str], side: str, *, exact: bool) -> None:
    for tensor in stated:
        if tensor.name not in found:
            raise ManifestError(f"{side}: {tensor.name!r} is not in the model, which has: {', '.join(found)}")
        if found[tensor.name] != tensor.dtype:
            raise ManifestError(
                f"{side}: {tensor.name!r} is {tensor.dtype} in the manifest, {found[tensor.name]} in the model"
            )
    missing = set(found) - {tensor.name for tensor in stated}
    if exact and missing:
        raise ManifestError(f"{side}: the model also has {', '.join(sorted(missing))}, which the manifest leaves out")
