"""What a built language model says of itself: files under one prefix, for a server of many GPUs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field

from slipway.specs.base import Name, Spec
from slipway.specs.llm import WeightPrecision
from slipway.specs.task import Task
from slipway.specs.text import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.specs.seen import Seen

Sha256 = Annotated[str, Shape(r"^[0-9a-f]{64}$", "a SHA-256 hash: 64 hexadecimal digits")]
Count = Annotated[int, Field(ge=0)]

ANSWER_TOKENS: Final = 16
"""Of an answer to the example: enough to be a text, few enough for a large model."""


class ServedFile(Spec):
    """One file under the prefix."""

    name: Annotated[str, Shape(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "the name of a file, without a folder")]
    sha256: Sha256
    size_bytes: Count


class LanguageFacts(Spec):
    """What memory and parallelism depend on, in the words of ``slipway.fit``; None where it is not known."""

    parameters: Count | None = None
    """All of them, experts too."""
    embedding_parameters: Count = 0
    weight_bytes: Count | None = None
    """Of the weights as they are stored."""
    layers: Count | None = None
    attention_heads: Count | None = None
    kv_heads: Count | None = None
    """Fewer than attention heads under grouped queries."""
    head_dim: Count | None = None
    latent_dim: Count | None = None
    hidden_size: Count | None = None
    intermediate_size: Count | None = None
    vocab_size: Count | None = None
    max_tokens: Count | None = None
    """The longest sequence that the model has positions for."""
    window: Count | None = None
    windowed_layers: Count = 0
    dtype: str | None = None
    """Of the weights that are not quantised."""
    quantization: str | None = None
    group_size: Count | None = None


class PlannedDegree(Spec):
    """How few GPUs of one machine can share the model."""

    instance_type: str
    tensor_parallel_degree: Annotated[int, Field(ge=1)]
    copies: Annotated[int, Field(ge=1)]
    """Of the model, that the machine's GPUs hold."""
    needed_mib: Count
    """On each GPU, estimates included."""
    available_mib: Count
    room_tokens: Count
    """Beyond one sequence of full length."""
    arithmetic: tuple[str, ...]


class ServedLanguageModel(Spec):
    """All that a server of language models is told; it stands in the artifact's manifest, beside the files."""

    schema_version: Literal[1] = 1
    name: Name
    digest: Sha256
    task: Task
    target: Literal["llm"]
    architecture: str
    """The class that transformers and vLLM build."""
    precision: WeightPrecision
    facts: LanguageFacts
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    """Tokens that prompt and answer have together at most; None: as config.json says."""
    degrees: tuple[PlannedDegree, ...]
    """On the endpoint's machine, where the spec names it; else on every machine that holds the model."""
    files: Annotated[tuple[ServedFile, ...], Field(min_length=1)]
    example: dict[Literal["inputs"], list[str]] = {"inputs": ["Once upon a time"]}
    """A text to go on with."""

    def degree_on(self, instance_type: str) -> int | None:
        """Return how many GPUs share the model on a machine; None where that was not planned or cannot be."""
        found = (it.tensor_parallel_degree for it in self.degrees if it.instance_type == instance_type)
        return next(found, None)


class LockedLanguage(Spec):
    """What servers must know of a language model before they see its files; it stands in ``artifacts.lock``."""

    architecture: str
    """The class that transformers and vLLM build."""
    precision: WeightPrecision
    facts: LanguageFacts
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    degrees: dict[str, Annotated[int, Field(ge=1)]]
    """The tensor-parallel degree that the build planned, by machine; others do not hold the model."""
    files: tuple[str, ...]

    @classmethod
    def of(cls, served: ServedLanguageModel) -> Self:
        """Take it from the manifest."""
        return cls(
            architecture=served.architecture,
            precision=served.precision,
            facts=served.facts,
            max_model_len=served.max_model_len,
            degrees={it.instance_type: it.tensor_parallel_degree for it in served.degrees},
            files=tuple(file.name for file in served.files),
        )

    @property
    def longest(self) -> int | None:
        """Tokens that prompt and answer have together at most; None where nobody knows."""
        return self.max_model_len or self.facts.max_tokens


def files_sha256(folder: Path, seen: Seen) -> str:
    """Return the same for the files that lie in a folder; one that is as it was when it was last read is not read."""
    files = [it for it in folder.iterdir() if it.is_file()]
    return listing_sha256(
        [ServedFile(name=it.name, sha256=seen.sha256(it), size_bytes=it.stat().st_size) for it in files]
    )


def listing_sha256(files: Iterable[ServedFile]) -> str:
    """Return one hash for many files: of their hashes and names, a line each, sorted, as ``sha256sum`` prints them."""
    lines = sorted(f"{file.sha256}  {file.name}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
