"""The model and whether it can answer: from loading over ready to draining."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from serving import batching, documents, log, npy
from serving.batching import Prepared
from serving.errors import RequestError
from serving.model import Model
from serving.negotiate import JSON, LINES, NPY
from serving.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from serving.batching import Padding
    from serving.generate import Generator
    from serving.preprocess import Feeds

LOADING, READY, BROKEN, DRAINING = "loading", "ready", "broken", "draining"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered request."""

    body: bytes
    batch: int
    seconds: tuple[float, float, float]
    """For preprocessing, for the model, for postprocessing."""
    together: int
    """Inputs that the model was given at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for one answer.

    Args:
        body: Its bytes.
        received: Their media type, one that the engine accepts.
        wanted: The answer's media type.
    """

    body: bytes
    received: str
    wanted: str


class Engine:
    """Answers one body with another, and knows whether it can.

    Two sessions hold the model. One request on its own is answered by all threads together; requests that come at the
    same time are answered by one thread each. Measured on MiniLM int8, four cores, 1 x 16 tokens: alone, four threads
    take 3.1 ms and one takes 4.2 ms; sixteen callers get 980 answers a second from one thread each and 500 from the
    four-thread session, whose threads wait for each other. The price is the model's memory twice, which is small for
    what runs on a CPU; with SLIPWAY_THREADS=1 there is one session.
    """

    def __init__(self, *, max_batch: int, batch_size: int | None = 1) -> None:
        self._max_batch = max_batch
        self._wanted_batch = batch_size
        self._batch_size = 1
        self._wide: Model | None = None
        self._narrow: Model | None = None
        self._pace = Pace()
        self.state = LOADING

    def load(self, folder: Path, threads: int) -> None:
        """Load the model and let it answer its example, so that READY is a proof."""
        wide = Model.load(folder, threads=threads)
        narrow = wide if threads == 1 else wide.with_threads(1, calls=threads)
        for model in (wide, narrow):
            model.prove()
        self._batch_size = batching.settle(narrow, self._wanted_batch)
        self._wide, self._narrow = wide, narrow

    @property
    def accepts(self) -> tuple[str, ...]:
        """The request media types that this model takes."""
        assert self._wide is not None  # noqa: S101  asked when READY only
        if self._wide.handler is not None and self._wide.handler.reads:
            return self._wide.handler.accepts
        return (JSON, NPY) if self._wide.preprocess.accepts_arrays else (JSON,)

    @property
    def joins(self) -> bool:
        """Whether requests that come together are asked of the model at once."""
        return self._batch_size > 1

    @property
    def facts(self) -> dict[str, str | int]:
        """What the log says about the model."""
        assert self._wide is not None  # noqa: S101  asked when READY only
        manifest = self._wide.manifest
        facts = {"model": manifest.name, "digest": manifest.digest, "task": manifest.task, "target": manifest.target}
        return facts | {"batch_size": self._batch_size}

    def is_quick(self, ask: Ask) -> bool:
        """Tell whether the event loop may answer a request itself, if nobody else asks."""
        return self._pace.is_quick(len(ask.body))

    def answer(self, ask: Ask, *, alone: bool) -> Answer:
        """Answer a request.

        Args:
            ask: The request.
            alone: Whether no other request is being answered, nor was a while ago.

        Raises:
            RequestError: If the inputs are not what the model takes, or too many.
        """
        model = self._model(alone=alone)
        if model.generator is not None:
            return self._generated(model.generator, ask.body, ask.wanted)
        [answer] = _ask(model, [self._prepare(model, 0, ask)], None, [ask])
        if isinstance(answer, Exception):
            raise answer
        if model.handler is None:  # whose code may do anything at any time
            self._pace.note(len(ask.body), sum(answer.seconds), alone=alone)
        return answer

    def answer_together(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Answer several requests, asking the model for as many at once as is worth it; each fails by itself."""
        model = self._model(alone=False)
        answers: dict[int, Answer | Exception] = {}
        prepared: list[Prepared] = []
        for place, ask in enumerate(asks):
            try:
                prepared.append(self._prepare(model, place, ask))
            except Exception as error:  # noqa: BLE001  its own request's
                answers[place] = error
        padding = model.padding
        for group in batching.groups(prepared, padding, self._batch_size):
            found = _ask_each_if_it_fails(model, group, padding, asks)
            answers.update(zip([each.place for each in group], found, strict=True))
        return [answers[place] for place in range(len(asks))]

    def _prepare(self, model: Model, place: int, ask: Ask) -> Prepared:
        began = perf_counter()
        feeds, batch = self._feeds(model, ask.body, ask.received)
        return Prepared(place, feeds, batch, perf_counter() - began)

    def stream(self, body: bytes, received: str, emit: Callable[[bytes], None], *, alone: bool) -> Answer:
        """Answer `body` input by input: a line of JSON each, emitted as soon as it is computed.

        All inputs are checked before the first is computed. Each is computed as it stands in the request's batch, so
        that a text is padded to the longest. A model that generates emits a line a token instead.

        Args:
            body: As for `answer`.
            received: Likewise.
            emit: Takes each line; what it raises ends the work.
            alone: As for `answer`.

        Raises:
            RequestError: As `answer` does, before the first line.
        """
        model = self._model(alone=alone)
        if model.generator is not None:
            return self._generated(model.generator, body, JSON, emit)
        began = perf_counter()
        feeds, batch = self._feeds(model, body, received)
        prepared = perf_counter()
        asking = 0.0
        for index in range(batch):
            one = {name: tensor[index : index + 1] for name, tensor in feeds.items()}
            asked = perf_counter()
            output = model.ask(one)
            asking += perf_counter() - asked
            emit(documents.line(model, model.postprocess(output, one)))
        return Answer(b"", batch, (prepared - began, asking, perf_counter() - prepared - asking), 1)

    def _generated(
        self, generator: Generator, body: bytes, wanted: str, emit: Callable[[bytes], None] | None = None
    ) -> Answer:
        if wanted == NPY:
            raise RequestError(406, "not_acceptable", f"texts cannot be sent as {NPY}, as {JSON} or {LINES} they can")
        document = documents.read(body, ("inputs", "parameters"))
        self._check_batch(len(document["inputs"]))
        began = perf_counter()
        answer = generator.answer(document["inputs"], document.get("parameters", {}), emit)
        batch = len(document["inputs"])
        return Answer(answer, batch, (0.0, perf_counter() - began, 0.0), batch)  # token by token, all in one

    def _model(self, *, alone: bool) -> Model:
        model = self._wide if alone else self._narrow
        assert model is not None  # noqa: S101  asked when READY only
        return model

    def _feeds(self, model: Model, body: bytes, received: str) -> tuple[Feeds, int]:
        if model.handler is not None and model.handler.reads:
            feeds = model.read(body, received)
            batch = len(next(iter(feeds.values())))
            self._check_batch(batch)
            return feeds, batch
        if received == NPY:
            array = npy.loads(body)
            batch = array.shape[0] if array.ndim > 0 else 0
            self._check_batch(batch)
            return model.preprocess.from_array(array), batch
        inputs = documents.read(body, ("inputs",))["inputs"]
        self._check_batch(len(inputs))
        return model.preprocess(inputs), len(inputs)

    def _check_batch(self, batch: int) -> None:
        if batch > self._max_batch:
            raise RequestError(413, "too_many_inputs", f"{batch} inputs, accepted: at most {self._max_batch}")

    def prove(self) -> None:
        """Let the model answer its example again, and set the state by it."""
        assert self._narrow is not None  # noqa: S101  asked after READY only
        try:
            self._narrow.prove()
        except Exception as error:  # noqa: BLE001  whatever it is, the model does not answer
            log.write("error", "model_broken", traceback=log.describe(error))
            self._turn(READY, BROKEN)
        else:
            self._turn(BROKEN, READY)

    def _turn(self, before: str, after: str) -> None:
        if self.state == before:
            self.state = after


def _ask(
    model: Model, group: Sequence[Prepared], padding: Padding | None, asks: Sequence[Ask]
) -> list[Answer | Exception]:
    """Ask the model for a group at once, and part its answer."""
    began = perf_counter()
    feeds = group[0].feeds if len(group) == 1 else batching.join(group, padding)
    output = model.ask(feeds)
    asked = perf_counter()
    result = model.postprocess(output, feeds)
    are_finite = documents.is_finite(result)  # looked at each by itself only where one is not
    pooling, together = perf_counter() - asked, len(result)
    answers: list[Answer | Exception] = []
    row = 0
    for each in group:
        encoding = perf_counter()
        part = result[row : row + each.batch]
        try:
            if not are_finite:
                documents.require_finite(part)
            body = documents.write(model, part, asks[each.place].wanted)
        except Exception as error:  # noqa: BLE001  its own request's
            answers.append(error)
        else:
            seconds = (each.seconds, asked - began, pooling + perf_counter() - encoding)
            answers.append(Answer(body, each.batch, seconds, together))
        row += each.batch
    return answers


def _ask_each_if_it_fails(
    model: Model, group: Sequence[Prepared], padding: Padding | None, asks: Sequence[Ask]
) -> list[Answer | Exception]:
    try:
        return _ask(model, group, padding, asks)
    except Exception as error:  # noqa: BLE001  whose fault it is shows when each is asked by itself
        if len(group) == 1:
            return [error]
        return [answer for each in group for answer in _ask_each_if_it_fails(model, [each], padding, asks)]
