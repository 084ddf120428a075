"""A torch module on the disk, as what sets it apart from the one that it was made of."""

from __future__ import annotations

import copy
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

FILE = "module.pt"


def write(module: torch.nn.Module, base: torch.nn.Module, folder: Path) -> None:
    """Write a module's tensors, and the numbers of its layers that are others than the base's.

    Args:
        module: Has the layers of the base, of any widths.
        base: What ``read`` is going to be given.
        folder: Where.
    """
    import torch

    tensors = {name: tensor.detach().clone() for name, tensor in _tensors(module)}
    before = dict(base.named_modules())
    numbers = {name: _changed(layer, before[name]) for name, layer in module.named_modules()}
    torch.save({"tensors": tensors, "numbers": numbers}, folder / FILE)


def read(base: torch.nn.Module, folder: Path) -> torch.nn.Module | None:
    """Return a copy of the base with what was written; None where nothing was."""
    import torch

    if not (folder / FILE).is_file():
        return None
    kept = torch.load(folder / FILE, weights_only=True)
    module = copy.deepcopy(base)
    for name, numbers in kept["numbers"].items():
        vars(module.get_submodule(name)).update(numbers)
    before = list(_tensors(module))  # held until the end: a tensor that is gone may leave its id to another
    places = {id(tensor): kept["tensors"][name] for name, tensor in before}
    for layer in module.modules():  # a tensor that two layers share is one afterwards too
        for name, parameter in layer.named_parameters(recurse=False):
            shared = places[id(parameter)] = _parameter(places[id(parameter)])
            layer.register_parameter(name, shared)
        for name, buffer in layer.named_buffers(recurse=False):
            vars(layer)["_buffers"][name] = places[id(buffer)]
    return module.eval()


def _parameter(tensor: torch.Tensor) -> torch.nn.Parameter:
    import torch

    return tensor if isinstance(tensor, torch.nn.Parameter) else torch.nn.Parameter(tensor, requires_grad=False)


def _tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return chain(module.named_parameters(), module.named_buffers())


def _changed(layer: torch.nn.Module, before: torch.nn.Module) -> dict[str, Any]:
    """Return a layer's own numbers, such as its channels, where they are others than before."""
    numbers = {
        name: value for name, value in vars(layer).items() if isinstance(value, int | tuple) and name != "training"
    }
    return {name: value for name, value in numbers.items() if vars(before).get(name) != value}
