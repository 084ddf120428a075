"""Where an original model comes from: the ``source:`` of ``model.yaml``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Name, Spec
from slipway.specs.text import Distinct, Shape

PythonFunction = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9_./-]+\.py:[A-Za-z_][A-Za-z0-9_]*$",
        "a file and a function in it, such as source.py:load",
    ),
    Field(examples=["source.py:load"]),
]
Package = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        "a distribution's name without a version, such as scikit-learn",
    ),
]
FolderOrHub = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9_][A-Za-z0-9_./-]*(@[A-Za-z0-9_./-]+)?$",
        "a folder beside model.yaml, or an id with its commit such as org/name@<40 hexadecimal digits>",
    ),
    Field(examples=["weights"]),
]
OnnxFile = Annotated[
    str,
    Shape(r"^[A-Za-z0-9_][A-Za-z0-9_./-]*\.onnx$", "an ONNX file in the model's folder, such as model.onnx"),
    Field(examples=["model.onnx"]),
]
ArchiveFile = Annotated[
    str,
    Shape(
        r"^([A-Za-z0-9_][A-Za-z0-9_./-]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^?#\s]+)\.(tar\.gz|tgz|tar)$",
        "a .tar.gz, .tgz or .tar in the model's folder, or such an object as s3://bucket/key.tar.gz",
    ),
    Field(examples=["weights.tar.gz"]),
]
ModelPackage = Annotated[
    str,
    Shape(
        r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/[A-Za-z0-9-]+/[0-9]+$",
        "the ARN of a model package's version",
    ),
]
Sha256 = Annotated[str, Shape(r"^[0-9a-f]{64}$", "a SHA-256 hash: 64 hexadecimal digits")]

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}")
KINDS = ("python", "model", "huggingface", "onnx", "archive", "package")
WEIGHTS = ("huggingface", "archive", "package")
"""Kinds that may stand beside ``python``: its function is then called with the folder."""
TEXT_KEYS = ("pooling", "normalize", "max_length")


class Source(Spec):
    """Where the original model comes from: exactly one kind, or a Python function and the weights that it is given."""

    python: PythonFunction | None = None
    """File in the model's folder and the function in it that returns the original. Beside ``huggingface``, ``archive``
    or ``package`` it is called with the folder that the weights lie in."""
    model: Name | None = None
    """Another model whose folder (source and data) this one is built from, for instance at another precision."""
    huggingface: FolderOrHub | None = None
    """A folder as ``save_pretrained`` writes it (config.json, model.safetensors, tokenizer.json), or an id on the hub
    at a commit: ``org/name@<40 hexadecimal digits>``."""
    onnx: OnnxFile | None = None
    """An ONNX file, which is the original itself: what it answers in ONNX Runtime is what the artifact is judged by."""
    archive: ArchiveFile | None = None
    """A tar archive that holds such a folder or one ONNX file, here or in S3."""
    package: ModelPackage | None = None
    """A model package of SageMaker's registry, whose data is such an archive."""
    sha256: Sha256 | None = None
    """Of what ``archive`` or ``package`` fetches; needed for what does not lie in the model's folder."""
    trust: bool | None = None
    """True: load pickles too (``.bin``, ``.pt``), weights alone. Absent: they are refused."""
    labels: Annotated[tuple[str, ...], Field(min_length=2), Distinct()] | None = None
    """What the classes are called, in the order of the logits; absent: as config.json says."""
    pooling: Literal["mean", "cls"] | None = None
    """How token vectors become one; absent: as the folder's modules.json says."""
    normalize: bool | None = None
    """Whether vectors are scaled to length 1; absent: as the folder's modules.json says, else they are."""
    max_length: Annotated[int, Field(ge=1, le=131_072)] | None = None
    """Tokens after which a text is cut; absent: as the folder says."""
    packages: Annotated[tuple[Package, ...], Distinct()] = ()
    """Distributions that the source takes its weights or code from; their versions enter the artifact's digest."""

    @property
    def is_code(self) -> bool:
        """Whether a function of the user's returns the original, with its data."""
        return self.python is not None

    @property
    def is_far(self) -> bool:
        """Whether it is an archive that lies in AWS."""
        return self.package is not None or (self.archive or "").startswith("s3://")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        findings, given = Findings(), [kind for kind in KINDS if getattr(self, kind) is not None]
        beside = [kind for kind in given if kind != "python"]
        if len(beside) > 1 or given == [] or ("python" in given and not {*beside} <= {*WEIGHTS}):
            findings.add((), f"give exactly one of {', '.join(KINDS)}; {', '.join(WEIGHTS)} may stand beside python")
        if self.model is not None and self.packages:
            findings.add(("packages",), "belongs to the model that owns the source: write it there")
        self._stay_inside(findings)
        self._pin(findings)
        self._mean_something(findings)
        findings.refuse()
        return self

    def _stay_inside(self, findings: Findings) -> None:
        for kind in ("python", "huggingface", "onnx", "archive"):
            text = getattr(self, kind)
            if text is None or text.startswith("s3://"):
                continue
            if text.startswith("/") or ".." in text.split(":")[0].split("/"):
                findings.add((kind,), f"'{text}' leaves the model's folder: move the source into it")

    def _pin(self, findings: Findings) -> None:
        """Ask for what names the bytes: what a branch or a key holds may be another thing tomorrow."""
        name, at, revision = (self.huggingface or "").partition("@")
        if at and (COMMIT.fullmatch(revision) is None or name.count("/") != 1):
            message = f"'{self.huggingface}' may be another model tomorrow: pin the commit"
            findings.add(("huggingface",), f"{message}, org/name@<40 hexadecimal digits>")
        if self.is_far and self.sha256 is None:
            findings.add((), "required key 'sha256' is missing: it names the bytes that are to be fetched")
        if self.sha256 is not None and self.package is None and self.archive is None:
            findings.add(("sha256",), "goes with 'archive' or 'package': remove the key")

    def _mean_something(self, findings: Findings) -> None:
        """Refuse keys without an effect."""
        files = self.model is None and not self.is_code
        for key in ("labels", *TEXT_KEYS):
            if getattr(self, key) is not None and not files:
                findings.add((key,), "is said by what the function returns: remove the key")
        if self.trust is not None and all(getattr(self, kind) is None for kind in WEIGHTS):
            findings.add(("trust",), "goes with 'huggingface', 'archive' or 'package': remove the key")


def fetched_file(root: Path, sha256: str) -> Path:
    """Return where an archive lies that was fetched: under the name of its bytes."""
    return root / ".slipway" / "sources" / f"{sha256}.tar"
