"""Writing a checkpoint anew, one file after the other: no more than one of them is in memory."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from model_build.checkpoint import CONFIG, INDEX
from model_build.graph import link

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from model_build.checkpoint import Checkpoint

    Change = Callable[[str, torch.Tensor], dict[str, torch.Tensor]]


def keep(checkpoint: Checkpoint, into: Path) -> None:
    """Give every file a second name in a folder: not a byte is read."""
    for path in [*checkpoint.companions(), *(checkpoint.folder / shard for shard in checkpoint.shards)]:
        link(path.resolve(), into / path.name)  # the hub's files are links themselves
    index = checkpoint.folder / INDEX
    if index.is_file():
        link(index.resolve(), into / INDEX)


def rewrite(checkpoint: Checkpoint, into: Path, change: Change, said: dict[str, Any]) -> None:
    """Write every weight as ``change`` makes it, and what config.json says of it.

    Args:
        checkpoint: What is there.
        into: An empty folder.
        change: From a weight's name and value to what stands for it, by name.
        said: Keys of config.json that say something else now.
    """
    from safetensors.torch import save_file

    places: dict[str, str] = {}
    size = 0
    for shard in checkpoint.shards:
        tensors = _changed(checkpoint.folder / shard, change)
        save_file(tensors, into / shard, metadata={"format": "pt"})
        places |= dict.fromkeys(tensors, shard)
        size += sum(tensor.nbytes for tensor in tensors.values())
        del tensors
    for path in checkpoint.companions():
        shutil.copyfile(path, into / path.name)
    _write(into / CONFIG, checkpoint.config | said)
    if (checkpoint.folder / INDEX).is_file():
        _write(into / INDEX, {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))})


def _changed(shard: Path, change: Change) -> dict[str, torch.Tensor]:
    from safetensors import safe_open

    found: dict[str, torch.Tensor] = {}
    with safe_open(shard, "pt") as file:
        for name in sorted(file.keys()):
            found |= {key: tensor.contiguous() for key, tensor in change(name, file.get_tensor(name)).items()}
    return found


def _write(file: Path, document: Any) -> None:
    file.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
