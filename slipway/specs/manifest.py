"""What a built artifact says of itself: ``artifacts/<model>/<digest>/manifest.json``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from slipway.specs.base import Name, Spec
from slipway.specs.language_artifact import ServedLanguageModel
from slipway.specs.model import Target
from slipway.specs.task import Metric, Task
from slipway.specs.text import Shape

Sha256 = Annotated[str, Shape(r"^[0-9a-f]{64}$", "a SHA-256 hash: 64 hexadecimal digits")]
Tensor = Literal["float32", "int64"]


class TensorSpec(Spec):
    """One input or output of the graph; a text dimension is dynamic."""

    name: str
    dtype: Tensor
    shape: tuple[int | str, ...]


class Tokenize(Spec):
    """Texts become token ids."""

    kind: Literal["tokenize"]
    tokenizer_file: str
    max_length: Annotated[int, Field(ge=1)]


class PassTensor(Spec):
    """Numbers go in as they are."""

    kind: Literal["tensor"]


class Embed(Spec):
    """Token states become one vector per input."""

    kind: Literal["embed"]
    pooling: Literal["mean", "cls"]
    normalize: bool
    dimensions: Annotated[int, Field(ge=1)]


class Classify(Spec):
    """Logits become a label with its probability."""

    kind: Literal["classify"]
    labels: Annotated[tuple[str, ...], Field(min_length=2)]


class ReturnTensor(Spec):
    """The output is the answer, in the form of a request: another model takes it as it is."""

    kind: Literal["tensor"]


class Generate(Spec):
    """Logits become tokens, one after the other, with the keys and values of what was read kept between them."""

    kind: Literal["generate"]
    max_new_tokens: Annotated[int, Field(ge=1)]
    """As many may a request ask for; one that does not ask gets no more."""
    eos: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """Tokens that end an answer."""


class Rewrite(Spec):
    """As ``generate``, of a model that reads the text with an encoder and answers with a text of its own."""

    kind: Literal["rewrite"]
    max_new_tokens: Annotated[int, Field(ge=1)]
    eos: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    start: Annotated[int, Field(ge=0)]
    """Token that every answer begins after."""


class ServedModel(Spec):
    """All that the server knows of a model; lies in the archive as ``manifest.json``."""

    schema_version: Literal[1] = 1
    name: Name
    digest: Sha256
    task: Task
    target: Target
    runtime: Literal["onnxruntime", "onnxruntime-cuda", "openvino", "tensorrt", "tensorrt-rtx"]
    options: dict[str, str] = {}
    """What the runtime is told, in its own words."""
    model_file: str
    handler: str | None = None
    """File of the user's own beside it that reads requests and writes answers; absent: the server does."""
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    preprocess: Annotated[Tokenize | PassTensor, Field(discriminator="kind")]
    postprocess: Annotated[Embed | Classify | ReturnTensor | Generate | Rewrite, Field(discriminator="kind")]
    example: dict[Literal["inputs"], list[Any]]
    """A request that the server answers once before it says that it is ready."""


class Archive(Spec):
    """The bytes that came out: one archive, or a language model's files; then the hash is that of their list."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1)]


class BenchmarkRow(Spec):
    """Original and artifact, interleaved in one process at one shape."""

    shape: str
    """Batch x length in tokens (``1x16``) for text, batch x channels x height x width for images; batch x tokens that
    are read x tokens that were read before for text generation: ``1x16x0`` reads a prompt, ``1x1x16`` makes a token."""
    ratio: float
    """How many times faster the artifact is: median of the paired rounds."""
    ratio_p25: float
    ratio_p75: float
    p50_ms: float
    reference_p50_ms: float
    p95_ms: float | None = None
    """Of single calls, as the next ones."""
    p99_ms: float | None = None
    reference_p95_ms: float | None = None
    reference_p99_ms: float | None = None


class ServerFigures(Spec):
    """The server's process with this model and nothing else, started anew each time."""

    cold_start_ms: float
    """From the process's start to its first answer: median of the starts."""
    cold_start_min_ms: float
    cold_start_max_ms: float
    peak_memory_bytes: Annotated[int, Field(ge=1)] | None = None
    """Most memory that it held at once, after answering the largest batch; None where the system does not say."""


class Proof(Spec):
    """What verify measured."""

    metric: Metric
    value: float
    bound: float | None = None
    """What the metric is at least with 95 % confidence (bootstrap over the inputs): this is what passed the gate."""
    at_least: float
    samples: int
    details: dict[str, float] = {}
    """Further figures by name, such as the worst input's similarity."""
    worst: tuple[str, ...] = ()
    """The inputs that did worst, worst first."""
    consistency: dict[str, float] = {}
    """How one input is answered alone, in a batch, twice, after another load and through the server: ``alone`` and
    ``alone_against_batched`` are the metric, the others the largest difference of any number."""


class FloatLayer(Spec):
    """A layer that was not quantised."""

    name: str
    """In the graph."""
    error: float
    """How far the answers moved when it alone was quantised: root of the mean square, as a share of the answers'."""


class Mixture(Spec):
    """Which layers of a quantised model stay in float32, found by measuring."""

    layers: Annotated[int, Field(ge=1)]
    """That could be quantised."""
    in_float: tuple[FloatLayer, ...]
    """That stay, the costliest for what it gains first."""


class Tried(Spec):
    """One recipe that the build tried."""

    recipe: str
    outcome: Literal["kept", "slower", "refused", "spared", "peer", "unfit"]
    """``slower`` than the one that was kept; ``refused`` by the gate; ``spared`` because a simpler one passes it;
    ``peer`` for comparison, since it cannot be served; ``unfit`` for this model or machine."""
    reason: str = ""
    """Why not, where there is more to say."""
    value: float | None = None
    """What the metric came to; on a part of the data for those that were not looked at further."""
    size_bytes: int | None = None
    """Of the model and its weights."""
    speedup: float | None = None
    """Against the original: geometric mean over the shapes that it was timed at."""
    latency_ms: dict[str, float] = {}
    """Median by shape."""


class Manifest(Spec):
    """The whole story of one artifact."""

    served: ServedModel | ServedLanguageModel
    archive: Archive
    reference_bytes: Annotated[int, Field(ge=1)]
    """Size of the original's weights as they were loaded."""
    recipe: str
    """What was done, in the order it was done."""
    mixture: Mixture | None = None
    """None where all layers were treated alike."""
    tried: tuple[Tried, ...] = ()
    """Every recipe of the search; empty where the target names one."""
    processor: str = ""
    """That the times are of."""
    proof: Proof
    benchmark: tuple[BenchmarkRow, ...]
    per_token: tuple[BenchmarkRow, ...] = ()
    """Answers of a model that generates, all figures divided by their tokens: ``1x128+16`` reads a prompt of 128 tokens
    and says 16, the likeliest each time, the original with its own cache."""
    server: ServerFigures | None = None
    versions: dict[str, str]
    """Library to version, of all that shape the result."""

    @property
    def language(self) -> ServedLanguageModel | None:
        """What a server of language models is told; None of any other model."""
        return self.served if isinstance(self.served, ServedLanguageModel) else None

    @property
    def runtime(self) -> str:
        """What runs it: the engine in our own server, or ``safetensors``, which others read."""
        return "safetensors" if self.packed is None else self.packed.runtime

    @property
    def packed(self) -> ServedModel | None:
        """What our own server knows of a model that is packed for it; None of a language model's files."""
        return self.served if isinstance(self.served, ServedModel) else None
