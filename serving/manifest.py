from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from serving.errors import ManifestError
from serving.runtimes import RUNTIMES

if TYPE_CHECKING:
    from pathlib import Path

FILE = "manifest.json"
SCHEMA_VERSION = 1
DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of the model; a name in `shape` is a free dimension."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Tokenize:
    """Raw texts become token ids, padded to the longest of a request and cut at `max_length` tokens."""

    tokenizer_file: str
    max_length: int


@dataclass(frozen=True, slots=True)
class TensorInput:
    """Nested numbers are the model's input as they are."""


@dataclass(frozen=True, slots=True)
class Embed:
    """Token vectors become one vector a text."""

    pooling: str
    normalize: bool
    dimensions: int


@dataclass(frozen=True, slots=True)
class Classify:
    """Logits become probabilities, one a label."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TensorOutput:
    """The model's output is the answer as it is, in the form of a request."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Logits become tokens, one after the other, until a token of `eos` or so many as a request may ask for."""

    max_new_tokens: int
    eos: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rewrite(Generate):
    """Likewise, after a text that an encoder reads; every answer begins after the token `start`."""

    start: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that the server knows about a model; read from `manifest.json` beside it."""

    name: str
    digest: str
    task: str
    target: str
    runtime: str
    options: dict[str, str]
    model_file: str
    handler: str | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    preprocess: Tokenize | TensorInput
    postprocess: Embed | Classify | TensorOutput | Generate
    example: list[Any]


def read(folder: Path) -> Manifest:
    """Read the manifest of the model in `folder`.

    Raises:
        ManifestError: If it is missing, is not JSON, or says something unknown: a key that is not understood could
            change the model's answers.
    """
    path = folder / FILE
    try:
        document = json.loads(path.read_bytes())
        return _manifest(document)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise ManifestError(f"{path}: nested too deeply") from error
    except ValueError as error:
        raise ManifestError(f"{path}: not JSON: {error}") from error
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from error


def _manifest(document: Any) -> Manifest:
    fields = _take(
        {"options": {}, "handler": "", **document} if isinstance(document, dict) else document,
        "",
        schema_version=int,
        name=str,
        digest=str,
        task=str,
        target=str,
        runtime=str,
        options=dict,
        model_file=str,
        handler=str,
        inputs=list,
        outputs=list,
        preprocess=dict,
        postprocess=dict,
        example=dict,
    )
    _one_of(fields.pop("schema_version"), (SCHEMA_VERSION,), "schema_version")
    _one_of(fields["runtime"], tuple(RUNTIMES), "runtime")
    for key, value in fields["options"].items():
        if not isinstance(value, str):
            raise ManifestError(f"options.{key}: {_json_name(type(value))} where a string belongs")
    _file(fields["model_file"], "model_file")
    fields["handler"] = _handler(fields["handler"])
    for side in ("inputs", "outputs"):
        fields[side] = tuple(_tensor(item, f"{side}[{index}]") for index, item in enumerate(fields[side]))
        _not_empty(fields[side], side)
    fields["preprocess"] = _preprocess(fields["preprocess"])
    fields["postprocess"] = _postprocess(fields["postprocess"])
    fields["example"] = _take(fields["example"], "example.", inputs=list)["inputs"]
    _not_empty(fields["example"], "example.inputs")
    if fields["handler"] is not None and isinstance(fields["postprocess"], Generate):
        raise ManifestError("handler: is not for a model that generates")
    return Manifest(**fields)


def _handler(name: str) -> str | None:
    if name == "":
        return None
    _file(name, "handler")
    if not name.endswith(".py"):
        raise ManifestError(f"handler: {name!r} is not the name of a Python file")
    return name


def _tensor(document: Any, where: str) -> Tensor:
    fields = _take(document, f"{where}.", name=str, dtype=str, shape=list)
    _one_of(fields["dtype"], DTYPES, f"{where}.dtype")
    for size in fields["shape"]:
        if not (isinstance(size, str) or (type(size) is int and size > 0)):
            raise ManifestError(f"{where}.shape: {size!r} is neither a positive integer nor a name")
    _not_empty(fields["shape"], f"{where}.shape")
    return Tensor(fields["name"], fields["dtype"], tuple(fields["shape"]))


def _preprocess(document: dict[str, Any]) -> Tokenize | TensorInput:
    if _kind(document, ("tokenize", "tensor"), "preprocess") == "tensor":
        _take(document, "preprocess.", kind=str)
        return TensorInput()
    fields = _take(document, "preprocess.", kind=str, tokenizer_file=str, max_length=int)
    _file(fields["tokenizer_file"], "preprocess.tokenizer_file")
    _positive(fields["max_length"], "preprocess.max_length")
    return Tokenize(fields["tokenizer_file"], fields["max_length"])


def _postprocess(document: dict[str, Any]) -> Embed | Classify | TensorOutput | Generate:
    kind = _kind(document, ("embed", "classify", "tensor", "generate", "rewrite"), "postprocess")
    if kind in ("generate", "rewrite"):
        return _generate(document, kind)
    if kind == "tensor":
        _take(document, "postprocess.", kind=str)
        return TensorOutput()
    if kind == "classify":
        labels = _take(document, "postprocess.", kind=str, labels=list)["labels"]
        _not_empty(labels, "postprocess.labels")
        if not all(isinstance(label, str) for label in labels):
            raise ManifestError("postprocess.labels: a label is not a string")
        return Classify(tuple(labels))
    fields = _take(document, "postprocess.", kind=str, pooling=str, normalize=bool, dimensions=int)
    _one_of(fields["pooling"], ("mean", "cls"), "postprocess.pooling")
    _positive(fields["dimensions"], "postprocess.dimensions")
    return Embed(fields["pooling"], fields["normalize"], fields["dimensions"])


def _generate(document: dict[str, Any], kind: str) -> Generate:
    more: dict[str, type] = {"start": int} if kind == "rewrite" else {}
    fields = _take(document, "postprocess.", kind=str, max_new_tokens=int, eos=list, **more)
    _positive(fields["max_new_tokens"], "postprocess.max_new_tokens")
    _not_empty(fields["eos"], "postprocess.eos")
    if not all(type(token) is int and token >= 0 for token in fields["eos"]):
        raise ManifestError("postprocess.eos: a token is not an integer from 0 up")
    if kind == "generate":
        return Generate(fields["max_new_tokens"], tuple(fields["eos"]))
    if fields["start"] < 0:
        raise ManifestError(f"postprocess.start: {fields['start']} is no token, accepted: an integer from 0 up")
    return Rewrite(fields["max_new_tokens"], tuple(fields["eos"]), fields["start"])


def _kind(document: dict[str, Any], accepted: tuple[str, ...], where: str) -> str:
    kind = document.get("kind")
    _one_of(kind, accepted, f"{where}.kind")
    return str(kind)


def _take(document: Any, where: str, **kinds: type) -> dict[str, Any]:
    """Return the fields of `document` when they are exactly those of `kinds`."""
    if not isinstance(document, dict):
        raise ManifestError(f"{where.rstrip('.') or 'document'}: {_json_name(type(document))} where an object belongs")
    for key in document:
        if key not in kinds:
            raise ManifestError(f"{where}{key}: unknown key, accepted: {', '.join(kinds)}")
    for key, kind in kinds.items():
        if key not in document:
            raise ManifestError(f"{where}{key}: missing")
        if type(document[key]) is not kind:  # bool is an int to isinstance
            raise ManifestError(f"{where}{key}: {_json_name(type(document[key]))} where {_json_name(kind)} belongs")
    return dict(document)


def _json_name(kind: type) -> str:
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "true or false",
        int: "an integer",
        float: "a number",
    }
    return names.get(kind, "null")


def _one_of(value: Any, accepted: tuple[Any, ...], where: str) -> None:
    if value not in accepted:
        raise ManifestError(f"{where}: {value!r} is not known, accepted: {', '.join(map(str, accepted))}")


def _positive(value: int, where: str) -> None:
    if value < 1:
        raise ManifestError(f"{where}: {value} is not a positive integer")


def _not_empty(value: Any, where: str) -> None:
    if len(value) == 0:
        raise ManifestError(f"{where}: empty")


def _file(name: str, where: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise ManifestError(f"{where}: {name!r} is not the name of a file beside the manifest")
