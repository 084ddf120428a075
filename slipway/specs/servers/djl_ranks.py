"""What the servers of DJL that run a handler of ours on several ranks have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from slipway.specs.gpu import sm_of
from slipway.specs.servers.texts import TextsSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.language_artifact import LockedLanguage
    from slipway.specs.servers.base import Layout

CONTAINERS: Final = Path(__file__).parents[3] / "containers"
# Guesses, meant to be generous, not measured: every rank reads its part from the machine's disk.
LOADING_SECONDS: Final = 300
LOADING_BYTES_PER_SECOND: Final = 200 << 20
SERVER_SECONDS: Final = 120
"""What DJL Serving takes beside the model, so that its own time-out comes first and says why."""
MOST_SECONDS: Final = 3600
LEAST_BF16: Final = 80

LoadingSeconds = Annotated[int, Field(ge=60, le=MOST_SECONDS - SERVER_SECONDS)]
PredictSeconds = Annotated[int, Field(ge=1, le=3600)]


class DjlRanks(TextsSpec):
    """DJL Serving with a handler of ours, one rank for each GPU that shares the model."""

    what: ClassVar[str]
    """The server, as messages call it."""
    source: ClassVar[str]
    speaks_chat: ClassVar[bool] = True
    """Of the handler, in ``containers/djl``; in the archive it is ``model.py``."""

    own_variables: ClassVar[tuple[str, ...]] = (
        *("OPTION_", "HF_MODEL_ID", "TENSOR_PARALLEL_DEGREE", "MODEL_LOADING_TIMEOUT", "PREDICT_TIMEOUT"),
        *("JOB_QUEUE_SIZE", "SERVING_JOB_QUEUE_SIZE"),
    )

    tensor_parallel_degree: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many GPUs share the model. Default: all of the machine's."""
    dtype: Literal["fp32", "fp16", "bf16"] | None = None
    """What weights are computed in. Default: as they are stored."""
    model_loading_timeout: LoadingSeconds | None = None
    """Seconds. Default: 300, and one for each 200 MiB of the files."""
    predict_timeout: PredictSeconds | None = None
    """Seconds that one request may take; after them the ranks are started anew. Default: DJL's, 120."""
    job_queue_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests that wait; beyond them callers get 503. Default: DJL's, 1000."""

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say what the model or the machine makes impossible."""
        if machine is None:
            yield (), f"{self.what} needs NVIDIA GPUs, and serverless has none: use kind: realtime"
        elif artifact.locked.target != "llm":
            use = "build it with 'target: llm'"
            yield (), f"{self.what} serves a language model's files, and '{artifact.model}' is none: {use}"
        elif artifact.locked.read_at is not None:
            use = "use server: lmi, which variables suffice"
            yield (), f"the files of '{artifact.model}' stay in S3, where no handler can be laid beside them: {use}"
        elif not machine.gpus:
            yield (), f"{self.what} needs NVIDIA GPUs, and '{machine.name}' has none: use ml.g6, ml.g5 or larger"
        elif (language := artifact.locked.language) is None:
            again = f"run `slipway build {artifact.model}`"
            yield (), f"the lock tells nothing of '{artifact.model}', which was built before it did: {again}"
        else:
            yield from self._degree_problems(language, machine)
            yield from self._dtype_problems(machine)
            yield from self.model_problems(artifact, language)
            if language.facts.quantization is not None:
                use = "use server: lmi, or build it with 'llm: {precision: bf16}'"
                yield (
                    (),
                    f"the weights of '{artifact.model}' are quantised, and nobody proved such weights split: {use}",
                )

    def model_problems(self, artifact: Artifact, language: LockedLanguage) -> Iterator[tuple[Keys, str]]:
        """Say why a model cannot be split.

        Args:
            artifact: The built model.
            language: What the lock tells of it.
        """
        raise NotImplementedError

    def degree_on(self, machine: InstanceType) -> int:
        """Return how many ranks there are."""
        return self.tensor_parallel_degree or machine.gpus or 1

    def loading_seconds(self, artifact: Artifact) -> int:
        """Return how long the model may take to load."""
        guessed = LOADING_SECONDS + artifact.locked.archive.size_bytes // LOADING_BYTES_PER_SECOND
        return self.model_loading_timeout or min(guessed, MOST_SECONDS - SERVER_SECONDS)

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return how long the container must be waited for: longer than DJL Serving itself waits for the model."""
        return self.loading_seconds(artifact) + SERVER_SECONDS

    def options(self) -> dict[str, str]:
        """Return the server's own options, by DJL's name, without ``option.``."""
        return {}

    def handler(self) -> dict[str, bytes]:
        """Return the handler's files; none where the image's own answers."""
        shared = CONTAINERS / "djl"
        files = {"model.py": shared / self.source}
        files |= {path.relative_to(shared).as_posix(): path for path in sorted((shared / "textgen").glob("*.py"))}
        return {name: path.read_bytes() for name, path in files.items()}

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout:
        """Return the model's files, and beside them the handler and what it is told."""
        assert machine is not None  # noqa: S101  else it has problems
        assert artifact.locked.language is not None  # noqa: S101  likewise
        files = {name: name for name in artifact.locked.language.files}
        handler = self.handler()
        lines = [f"option.{name}={value}" for name, value in self._told(artifact, machine).items()]
        if self.job_queue_size is not None:
            lines.append(f"job_queue_size={self.job_queue_size}")
        return {**files, **handler, "serving.properties": "\n".join(["engine=MPI", *lines, ""]).encode("ascii")}

    def told_in_files(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return its options, as variables would say them."""
        assert machine is not None  # noqa: S101  else it has problems
        return {f"OPTION_{name.upper()}": value for name, value in self._told(artifact, machine).items()}

    def _told(self, artifact: Artifact, machine: InstanceType) -> dict[str, str]:
        told: dict[str, object | None] = {
            "entryPoint": "model.py",
            "tensor_parallel_degree": self.degree_on(machine),
            "dtype": self.dtype,
            "model_loading_timeout": self.loading_seconds(artifact),
            "predict_timeout": self.predict_timeout,
            **self.options(),
        }
        return {name: str(value) for name, value in told.items() if value is not None}

    def _degree_problems(self, language: LockedLanguage, machine: InstanceType) -> Iterator[tuple[Keys, str]]:
        key, gpus, degree = ("tensor_parallel_degree",), machine.gpus or 0, self.degree_on(machine)
        heads = {
            "attention heads": language.facts.attention_heads,
            "key and value heads": language.facts.kv_heads,
        }
        if degree > gpus:
            yield key, f"{degree} is more than the {gpus} GPUs of '{machine.name}'"
            return
        fine = [n for n in range(1, gpus + 1) if all(it is None or it % n == 0 for it in heads.values())]
        for what, number in heads.items():
            if number is not None and number % degree:
                use = ", ".join(map(str, fine))
                yield key, f"{degree} does not divide the model's {number} {what}: use one of {use}"
                return

    def _dtype_problems(self, machine: InstanceType) -> Iterator[tuple[Keys, str]]:
        if self.dtype == "bf16" and (sm_of(machine.name) or 0) < LEAST_BF16:
            has = f"'{machine.name}' computes in no bf16, which begins with SM {LEAST_BF16} (ml.g5)"
            yield ("dtype",), f"{has}: use 'fp16'"
