"""What a model may lose before it is exported: the keys ``distill`` and ``prune`` of ``model.yaml``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from slipway.specs.base import Spec
from slipway.specs.text import Shape

SHRINKING: Final = ("distill", "prune")
"""Keys that make another network of the original before it is exported."""

StudentFunction = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9_][A-Za-z0-9_-]*\.py:[A-Za-z_][A-Za-z0-9_]*$",
        "a file beside this model.yaml and a function in it, such as student.py:student",
    ),
    Field(examples=["student.py:student"]),
]
Epochs = Annotated[int, Field(ge=1, le=10_000)]
BatchSize = Annotated[int, Field(ge=2, le=65_536)]
Rate = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Threads = Annotated[int, Field(ge=1, le=256)]


class Distill(Spec):
    """Teach a smaller network what the original answers; the source brings the training data."""

    reasons: ClassVar[dict[str, str]] = {"teacher_share": "it is a share: 1 learns from the original alone"}

    student: StudentFunction
    """File beside this ``model.yaml`` and the function in it that returns the untrained student, a torch module that is
    called as the original is."""
    epochs: Epochs = 40
    """At most; it ends earlier when nothing gets better."""
    temperature: Annotated[float, Field(ge=0.1, le=100)] = 4.0
    """Flattens the probabilities that student and original are compared by, so that unlikely classes tell something
    too; classifiers only, others compare answers as they are."""
    teacher_share: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Weight of the original's answers; the rest is the weight of the labels, where the source brings some."""
    batch: BatchSize = 64
    """Inputs of one step."""
    learning_rate: Rate = 0.005
    """The highest on its way up and down."""
    seed: Seed = 0
    """Of the student's first weights and of the order of the inputs."""
    threads: Threads = 1
    """That train. Sums depend on it, so it is said here and not left to the machine."""


class Prune(Spec):
    """Take whole channels out, the least important first, then train what is left on the original's answers."""

    reasons: ClassVar[dict[str, str]] = {"flops": "it is the share that stays: 0.25 leaves a quarter"}

    flops: Annotated[float, Field(gt=0, lt=1)]
    """Share of the multiplications that may stay."""
    epochs: Epochs = 12
    """Of the training afterwards, at most."""
    batch: BatchSize = 64
    """Inputs of one step."""
    learning_rate: Rate = 0.002
    """The highest on its way up and down."""
    seed: Seed = 0
    """Of the order of the inputs."""
    threads: Threads = 1
    """That train. Sums depend on it, so it is said here and not left to the machine."""
