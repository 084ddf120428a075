"""What a data scientist writes: ``models/<name>/model.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.build import Build, check_build
from slipway.specs.data import check_data
from slipway.specs.generation import check_generation
from slipway.specs.gpu import Gpu, check_gpu
from slipway.specs.llm import Llm, check_llm
from slipway.specs.neo import Neo, check_neo
from slipway.specs.optimize import Optimize, check_optimize
from slipway.specs.serve import Serve, check_serve
from slipway.specs.shrink import SHRINKING, Distill, Prune
from slipway.specs.source import Source
from slipway.specs.task import METRICS_OF_TASK, TEXT_TASKS, Metric, Task
from slipway.specs.text import Distinct, Shape

if TYPE_CHECKING:
    from slipway.specs.cloud_job import CloudJob

Target = Literal["cpu", "cpu-lossless", "cpu-fp32", "cpu-int8", "gpu", "llm"]

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
    numbers explain, at most 1; unlike a cosine it sees a wrong scale.

    Of text generation, over the tokens that the original goes on with, each prompt's next 16: ``next_token_agreement``
    is the share that the artifact would choose too. ``kl_similarity`` is e to the minus mean KL divergence of the
    artifact's next-token probabilities from the original's, 1 where they are the same. ``perplexity_ratio`` is the
    original's perplexity over the artifact's."""
    at_least: Annotated[float, Field(gt=0, le=1)]
    """Smallest value that passes."""
    top_k: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Images only: how many labels an answer names; the proof tells how many of them are the original's. Absent: five,
    or one less than there are."""


class Calibrate(Spec):
    """What shows a quantiser which values occur; the artifact is not judged on it."""

    data: DataFile
    """File beside the source with one input a line, such as users send them, or an ``.npz`` with ``inputs``; a hundred
    are enough."""


BatchSize = Annotated[int, Field(ge=1, le=1024)]
Tokens = Annotated[int, Field(ge=1, le=131_072)]


Milliseconds = Annotated[float, Field(gt=0, le=3_600_000)]
ShapeName = Annotated[str, Shape(r"^[1-9][0-9]*(x(0|[1-9][0-9]*))*$", "sizes joined by x, such as 1x128")]


Peer = Literal["aotinductor"]


class Benchmark(Spec):
    """The shapes that this model meets in use, and how fast it must be there."""

    batch: Annotated[tuple[BatchSize, ...], Field(min_length=1, max_length=8), Distinct()] = (1,)
    """Inputs per request."""
    sequence_length: Annotated[tuple[Tokens, ...], Field(min_length=1, max_length=8), Distinct()] | None = None
    """Tokens per input; text models only, which need it."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads given to the original and the artifact alike."""
    peers: Annotated[tuple[Peer, ...], Field(min_length=1), Distinct()] | None = None
    """Compilers whose result a search times beside its own and shows in the report, though it needs PyTorch and cannot
    be served: ``aotinductor``, a minute or two a model. Absent: none."""
    p95_ms: Annotated[dict[ShapeName, Milliseconds], Field(min_length=1)] | None = None
    """Latency by shape that 95 of 100 calls must not exceed on the machine that builds; without it there is no
    artifact. Shapes are written batch x length in tokens (``1x128``) for text, batch x tokens that
    are read x tokens before them (``1x128x0`` a prompt, ``1x1x128`` a token after it) for text generation, batch x the
    shape of an input (``1x3x32x32``) for others. Absent: the fastest form is kept, however fast it is."""


def timed_shapes(task: Task, benchmark: Benchmark) -> set[str]:
    """Return the names of the shapes that a text model is timed at."""
    pairs = [(batch, length) for batch in benchmark.batch for length in benchmark.sequence_length or ()]
    if task == "text-generation":  # a prompt is read, then a token is made
        return {shape for batch, length in pairs for shape in (f"{batch}x{length}x0", f"{batch}x1x{length}")}
    return {f"{batch}x{length}" for batch, length in pairs}


class ModelSpec(Spec):
    """One model to build."""

    task: Task
    """What the model does; decides how requests are read and answers written."""
    source: Source
    target: Target
    """What it is built for.

    ``cpu``: the fastest of all recipes that pass the gate, found by measuring. ``cpu-lossless``: the fastest of those
    whose answers are the original's, a similarity of 0.9999, the same labels, the same texts. ``cpu-fp32`` and
    ``cpu-int8``: one recipe for ONNX Runtime, without a search. ``gpu``: TensorRT or ONNX Runtime on one NVIDIA GPU;
    built, proved and measured on a machine that has it. ``llm``: a language model's files for a server of many GPUs, as
    they are or in fewer bits, with the tensor-parallel degree planned."""
    gpu: Gpu | None = None
    """Which GPU; ``target: gpu`` only, which needs it."""
    llm: Llm | None = None
    """What becomes of the weights; ``target: llm`` only. Absent: they stay as they are."""
    verify: Verify
    calibrate: Calibrate | None = None
    """For text models and for sources without a function, which brings it. Without it, recipes that need it are not
    tried."""
    benchmark: Benchmark = Benchmark()
    distill: Distill | None = None
    """A student to try in the original's place; absent: none."""
    prune: Prune | None = None
    """Fewer channels to try; absent: all stay. With ``distill`` the student is pruned too. A target that searches tries
    every form with and without, a target that names its recipe does both."""
    serve: Serve | None = None
    """Code of your own around the model; absent: requests and answers are those of the task."""
    build: Build | None = None
    """Where it is built; absent: on the machine that ``slipway build`` runs on."""
    optimize: Optimize | None = None
    """What SageMaker then makes of it in an optimization job, unproved; ``target: llm`` only. Absent: nothing."""
    neo: Neo | None = None
    """What SageMaker Neo then makes of the original, unproved; legacy, for the processor's targets. Absent: nothing."""

    @property
    def cloud_job(self) -> CloudJob | None:
        """What SageMaker is asked to make of it after the build; no target has both."""
        return self.optimize or self.neo

    @property
    def in_cloud(self) -> bool:
        """Whether a processing job builds it."""
        return self.build is not None and self.build.in_cloud

    @model_validator(mode="after")
    def _fits_task(self) -> Self:
        findings, metrics = Findings(), METRICS_OF_TASK[self.task]
        if self.verify.metric not in metrics:
            use = " or ".join(f"'{metric}'" for metric in metrics)
            findings.add(("verify", "metric"), f"'{self.verify.metric}' does not judge {self.task}: use {use}")
        if self.task == "transformation" and self.target == "cpu-int8":
            findings.add(("target",), f"'{self.target}' has no recipe for {self.task}: use 'cpu' or 'cpu-fp32'")
        if self.task == "text-generation" and self.target != "llm":
            check_generation(findings, self)
        if self.task != "image-classification" and self.verify.top_k is not None:
            findings.add(("verify", "top_k"), f"{self.task} names no labels: remove the key")
        if self.source.model is None:
            check_data(findings, self, self.source)
        if self.target != "llm":
            self._check_shapes(findings, text=self.task in TEXT_TASKS)
        self._check_target(findings)
        findings.refuse()
        return self

    def _check_shapes(self, findings: Findings, *, text: bool) -> None:
        if text and self.benchmark.sequence_length is None:
            findings.add(("benchmark",), f"{self.task} needs 'sequence_length', for instance [16, 128]")
        timed = timed_shapes(self.task, self.benchmark)
        for shape in sorted((self.benchmark.p95_ms or {}).keys() - timed) if text else ():
            findings.add(("benchmark", "p95_ms", shape), f"is not timed: {', '.join(sorted(timed))} are")
        if not text and self.benchmark.sequence_length is not None:
            findings.add(("benchmark", "sequence_length"), f"{self.task} has no sequences: remove the key")

    def _check_target(self, findings: Findings) -> None:
        if self.task != "text-generation" or self.target == "llm":  # of others none can be made smaller
            self._check_shrinking(findings)
        check_llm(findings, self)
        check_serve(findings, self)
        check_optimize(findings, self)
        check_neo(findings, self)
        if self.target == "gpu" and self.gpu is None:
            findings.add(
                (), "required key 'gpu' is missing: name the endpoint's machine, {instance_type: ml.g6.xlarge}"
            )
        elif self.target != "gpu" and self.gpu is not None:
            findings.add(("gpu",), f"is for 'target: gpu', not for '{self.target}': remove one of them")
        elif self.gpu is not None:
            check_gpu(findings, self.gpu, self.benchmark.batch, self.benchmark.sequence_length)
        if self.build is not None:
            check_build(findings, self.build, None if self.gpu is None else self.gpu.architecture)

    def _check_shrinking(self, findings: Findings) -> None:
        reasons = {
            "cpu-lossless": "changes what is answered, and 'cpu-lossless' takes nothing that does: use 'cpu'",
            "gpu": "is for the processor's targets: 'gpu' has no recipe with it",
            "llm": "is for the processor's targets: 'llm' has no recipe with it",
        }
        for key in SHRINKING if self.target in reasons else ():
            if getattr(self, key) is not None:
                findings.add((key,), reasons[self.target])
