"""What a data scientist writes: ``models/<name>/model.yaml``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.source import TEXT_KEYS, Source
from slipway.specs.text import Distinct, Shape

Task = Literal["sentence-embedding", "image-classification", "transformation"]
Target = Literal["cpu", "cpu-lossless", "cpu-fp32", "cpu-int8"]
Metric = Literal["cosine_similarity", "accuracy", "r_squared"]

METRIC_OF_TASK: dict[Task, Metric] = {
    "sentence-embedding": "cosine_similarity",
    "image-classification": "accuracy",
    "transformation": "r_squared",
}


DataFile = Annotated[
    str,
    Shape(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "the name of a file beside the source, such as sentences.txt"),
    Field(examples=["sentences.txt"]),
]


class Verify(Spec):
    """The gate: without passing it there is no artifact."""

    reasons: ClassVar[dict[str, str]] = {"at_least": "it is a share, so that 0.98 is 98 in a hundred"}

    data: DataFile | None = None
    """File beside the source: one input a line, or an ``.npz`` with ``inputs`` (and ``labels``, a class each); absent:
    the held-out data that the source's function returns."""
    metric: Metric
    """``cosine_similarity``: mean over the data between original and artifact, -1 to 1. ``accuracy``: share of held-out
    inputs that the artifact labels rightly, 0 to 1. ``r_squared``: share of the original's variance that the artifact's
    numbers explain, at most 1; unlike a cosine it sees a wrong scale."""
    at_least: Annotated[float, Field(gt=0, le=1)]
    """Smallest value that passes."""


class Calibrate(Spec):
    """What shows a quantiser which values occur; the artifact is not judged on it."""

    data: DataFile
    """File beside the source with one input a line, such as users send them, or an ``.npz`` with ``inputs``; a hundred
    are enough."""


BatchSize = Annotated[int, Field(ge=1, le=1024)]
Tokens = Annotated[int, Field(ge=1, le=131_072)]


class Benchmark(Spec):
    """The shapes that this model meets in use."""

    batch: Annotated[tuple[BatchSize, ...], Field(min_length=1, max_length=8), Distinct()] = (1,)
    """Inputs per request."""
    sequence_length: Annotated[tuple[Tokens, ...], Field(min_length=1, max_length=8), Distinct()] | None = None
    """Tokens per input; text models only, which need it."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads given to the original and the artifact alike."""


class ModelSpec(Spec):
    """One model to build."""

    task: Task
    """What the model does; decides how requests are read and answers written."""
    source: Source
    target: Target
    """What it is built for.

    ``cpu``: the fastest of all recipes that pass the gate, found by measuring. ``cpu-lossless``: the fastest of those
    whose answers are the original's, a similarity of 0.9999 or the same labels. ``cpu-fp32`` and ``cpu-int8``: one
    recipe for ONNX Runtime, without a search."""
    verify: Verify
    calibrate: Calibrate | None = None
    """For text models and for sources without a function, which brings it. Without it, recipes that need it are not
    tried."""
    benchmark: Benchmark = Benchmark()

    @model_validator(mode="after")
    def _fits_task(self) -> Self:
        findings, metric = Findings(), METRIC_OF_TASK[self.task]
        text = self.task == "sentence-embedding"
        if self.verify.metric != metric:
            findings.add(("verify", "metric"), f"'{self.verify.metric}' does not judge {self.task}: use '{metric}'")
        if self.task == "transformation" and self.target == "cpu-int8":
            findings.add(("target",), f"'{self.target}' has no recipe for {self.task}: use 'cpu' or 'cpu-fp32'")
        if self.source.model is None:
            self._data(findings, self.source)
        if text and self.benchmark.sequence_length is None:
            findings.add(("benchmark",), f"{self.task} needs 'sequence_length', for instance [16, 128]")
        if not text and self.benchmark.sequence_length is not None:
            findings.add(("benchmark", "sequence_length"), f"{self.task} has no sequences: remove the key")
        findings.refuse()
        return self

    def _data(self, findings: Findings, source: Source) -> None:
        """Find what is wrong with the data: a function brings pictures and tensors itself, files do not."""
        if self.task == "transformation" and source.huggingface is not None and not source.is_code:
            findings.add(("source", "huggingface"), f"does not say how {self.task} is done: use 'python' or 'onnx'")
        if source.labels is not None and self.task != "image-classification":
            findings.add(("source", "labels"), f"{self.task} has no classes: remove the key")
        if self.task == "sentence-embedding":
            self._text_data(findings)
        elif source.is_code:
            self._no_data(findings)
        else:
            self._array_data(findings, source)

    def _text_data(self, findings: Findings) -> None:
        if self.verify.data is None:
            findings.add(("verify",), "required key 'data' is missing: name a file with one sentence a line")
        for path, file in self._files:
            if file.endswith(".npz"):
                findings.add(path, f"'{file}' is not a text file with one sentence a line")

    def _no_data(self, findings: Findings) -> None:
        if self.calibrate is not None:
            findings.add(("calibrate",), f"{self.task} is calibrated on the source's own data: remove the key")
        if self.verify.data is not None:
            findings.add(("verify", "data"), f"{self.task} is verified on the source's held-out data: remove the key")

    def _array_data(self, findings: Findings, source: Source) -> None:
        if self.verify.data is None:
            findings.add(("verify",), "required key 'data' is missing: name an .npz file that holds 'inputs'")
        for path, file in self._files:
            if not file.endswith(".npz"):
                findings.add(path, f"'{file}' is not an .npz file that holds 'inputs'")
        for key in TEXT_KEYS:
            if getattr(source, key) is not None:
                findings.add(("source", key), f"{self.task} has no sequences: remove the key")

    @property
    def _files(self) -> list[tuple[tuple[str, str], str]]:
        calibrate = None if self.calibrate is None else self.calibrate.data
        named = ((("verify", "data"), self.verify.data), (("calibrate", "data"), calibrate))
        return [(path, file) for path, file in named if file is not None]

    def data_problems(self, source: Source) -> list[tuple[tuple[str | int, ...], str]]:
        """Return what is wrong with the data for a source that another model owns: place and message of each."""
        findings = Findings()
        self._data(findings, source)
        return findings.found
