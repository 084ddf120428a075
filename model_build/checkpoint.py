"""A language model as Hugging Face keeps it: config.json, safetensors, tokenizer. Read by its headers alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slipway.fit import model_of_config
from slipway.specs import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.fit import Model
    from slipway.specs import SpecError

    Problem = Callable[[str], SpecError]

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
TOKENIZERS: Final = ("tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "tiktoken.model")
KEPT: Final = (".json", ".txt", ".model", ".jinja", ".tiktoken")
"""Endings of what travels beside the weights; a pickle or a program does not."""
LEGAL: Final = ("LICENSE", "NOTICE", "USE_POLICY")
DTYPES: Final = {"F64": "fp64", "F32": "fp32", "F16": "fp16", "BF16": "bf16"}
"""Floats that are weights as they were trained, as safetensors and as we spell them."""
PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*$")
NEVER: Final = (INDEX, "manifest.json")


@dataclass(frozen=True)
class Tensor:
    """One weight, by its header.

    Args:
        file: That holds it.
        dtype: As safetensors spells it.
        shape: Of it.
        size_bytes: That it takes in the file.
    """

    file: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was looked through.

    Args:
        folder: Where it is.
        config: What config.json says.
        facts: For memory and parallelism; ``weight_bytes`` are those of the files.
        tensors: By name.
    """

    folder: Path
    config: dict[str, Any]
    facts: Model
    tensors: dict[str, Tensor]

    @property
    def shards(self) -> list[str]:
        """The files that hold weights, in order."""
        return sorted({tensor.file for tensor in self.tensors.values()})

    @property
    def size_bytes(self) -> int:
        """Of all weights."""
        return sum(tensor.size_bytes for tensor in self.tensors.values())

    @property
    def dtype(self) -> str:
        """The type of most weights, as we spell it; as safetensors does where they are no plain floats."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors.values():
            sizes[tensor.dtype] += prod(tensor.shape)
        most = sizes.most_common(1)[0][0]
        return DTYPES.get(most, most)

    @property
    def is_quantized(self) -> bool:
        """Whether the weights are not those that were trained."""
        return self.config.get("quantization_config") is not None

    def companions(self) -> list[Path]:
        """Return what travels beside the weights: config, tokenizer, templates, licences."""
        files = sorted(path for path in self.folder.iterdir() if path.is_file())
        named = (path for path in files if PLAIN.match(path.name) and _travels(path.name))
        return list(named)


def read_checkpoint(folder: Path, problem: Problem) -> Checkpoint:
    """Look a folder through.

    Args:
        folder: Its safetensors are whole.
        problem: Makes the error for what is wrong with it.

    Raises:
        SpecError: If it is no language model that can be served as it is.
    """
    config = _json(folder / CONFIG, problem)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise problem(f"holds no tokenizer, one of {', '.join(TOKENIZERS)}: save it beside the weights")
    tensors = _tensors(folder, problem)
    name = str(config.get("_name_or_path") or folder.name)
    try:
        facts = model_of_config(config, CONFIG)
    except UsageError as error:
        raise problem(str(error)) from error
    if not facts.generates:
        raise problem(f"{CONFIG} is of '{config['model_type']}', which generates no text")
    size = sum(tensor.size_bytes for tensor in tensors.values())
    found = Checkpoint(folder, config, facts, tensors)
    dtype = found.dtype if found.dtype in ("fp32", "fp16", "bf16") else facts.dtype
    return replace(found, facts=replace(facts, name=name, weight_bytes=size, dtype=dtype))


def _travels(name: str) -> bool:
    if name in NEVER or name.endswith(".index.json"):
        return False
    return name.endswith(KEPT) or name.startswith(LEGAL)


def header(path: Path) -> dict[str, dict[str, Any]]:
    """Return what a safetensors file says of its tensors."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        found: dict[str, dict[str, Any]] = json.loads(file.read(length))
    found.pop("__metadata__", None)
    return found


def _tensors(folder: Path, problem: Problem) -> dict[str, Tensor]:
    named = _indexed(folder, problem)
    files = sorted(set(named.values())) if named is not None else [SINGLE]
    for file in files:
        if Path(file).name != file or not file.endswith(".safetensors"):
            raise problem(f"{INDEX} names '{file}', which is no safetensors file beside it")
        if not (folder / file).is_file():
            raise problem(f"{file} is not there: convert the weights to safetensors, or fetch all of them")
    found = {
        name: Tensor(file, said["dtype"], tuple(said["shape"]), said["data_offsets"][1] - said["data_offsets"][0])
        for file in files
        for name, said in header(folder / file).items()
    }
    for name, file in (named or {}).items():
        if name not in found or found[name].file != file:
            raise problem(f"{INDEX} says that {file} holds '{name}', and it does not: fetch the model again")
    if not found:
        raise problem("its safetensors hold no weight")
    return found


def _indexed(folder: Path, problem: Problem) -> dict[str, str] | None:
    if not (folder / INDEX).is_file():
        return None
    named = _json(folder / INDEX, problem).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(file, str) for file in named.values()) or not named:
        raise problem(f"{INDEX} has no weight_map")
    return named


def _json(file: Path, problem: Problem) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise problem(f"holds no {file.name}") from None
    except (ValueError, RecursionError):
        raise problem(f"{file.name} cannot be read as JSON") from None
    if not isinstance(found, dict):
        raise problem(f"{file.name} holds no mapping")
    return found
