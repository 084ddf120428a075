"""Take channels out of a torch module, whole ones, until few enough multiplications are left."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import torch
import torch_pruning as pruning
from torch.utils.flop_counter import FlopCounterMode

from model_build.tasks import with_module

if TYPE_CHECKING:
    from model_build.tasks import Task

LAYERS: Final = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)  # noqa: SLF001  the base of every convolution
STEPS: Final = 100
"""Between all channels and hardly any."""
LEAST: Final = 0.01
"""Share of a layer's channels that stays in any case."""
TOLD: Final = 3
"""Layers that a refusal names."""


class UnprunableError(Exception):
    """So little cannot be left; says which layers stand in the way."""


def take_out(module: torch.nn.Module, task: Task, *, share: float, multiple: int) -> float:
    """Take channels out in place; layers lose the same share of theirs, those with the smallest weights first.

    Args:
        module: Is called as the task's original is.
        task: Brings the inputs.
        share: Of the multiplications, that may stay.
        multiple: What the number of a layer's channels stays a multiple of.

    Returns:
        The share that stays.

    Raises:
        UnprunableError: If more would stay, with the layers that cannot lose channels and why.
    """
    traced, inputs = _traced(module, task)
    whole = flops(traced, inputs)
    kept = _kept(module, task, multiple)
    pruner = pruning.pruner.BasePruner(
        traced,
        inputs,
        importance=pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=1 - LEAST,
        iterative_steps=STEPS,
        ignored_layers=[traced.get_submodule(name) for name in kept],
        round_to=multiple,
    )
    left = 1.0
    for _ in range(STEPS):
        pruner.step()
        left = flops(traced, inputs) / whole
        if left <= share:
            return left
    raise UnprunableError(_refusal(left, share, kept))


def flops(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> int:
    """Count what one call computes in products and convolutions."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return int(counter.get_total_flops())


def _refusal(left: float, share: float, kept: dict[str, str]) -> str:
    named = [f"{name}: {reason}" for name, reason in list(kept.items())[:TOLD]]
    more = f" and {len(kept) - TOLD} more" if len(kept) > TOLD else ""
    stays = f"{left:.3f} of the multiplications stay at least, {share} may"
    return f"{stays}; these layers keep all channels: {'; '.join(named)}{more}"


def _kept(module: torch.nn.Module, task: Task, multiple: int) -> dict[str, str]:
    """Return the layers that cannot lose channels, and why: whatever hangs together is tried on a copy."""
    kept: dict[str, str] = {}
    whole, tensors = _traced(copy.deepcopy(module), task)
    for names in _together(whole, tensors):
        copied, inputs = _traced(copy.deepcopy(module), task)
        reason = _broken(copied, inputs, names[0], multiple)
        kept.update(dict.fromkeys(names, reason) if reason != "" else {})
    return {name: kept[name] for name, _ in whole.named_modules() if name in kept}


def _together(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[list[str]]:
    """Return the names of the layers that can lose channels only together, such as those of a sum."""
    names = {id(layer): name for name, layer in module.named_modules()}
    graph = _graph(module, inputs)
    groups = []
    for group in graph.get_all_groups(root_module_types=LAYERS):
        losing = [step.dep.target.module for step in group if graph.is_out_channel_pruning_fn(step.dep.handler)]
        groups.append([names[id(layer)] for layer in losing if isinstance(layer, LAYERS)])
    return groups


def _broken(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], name: str, multiple: int) -> str:
    """Take some of a layer's channels out and say what that breaks; empty where it breaks nothing."""
    expected, graph, layer = module(*inputs).shape, _graph(module, inputs), module.get_submodule(name)
    pruner = graph.get_pruner_of_module(layer)
    channels = range(min(multiple, pruner.get_out_channels(layer) - 1))
    if len(channels) == 0:
        return "it has one channel"
    try:
        graph.get_pruning_group(layer, pruner.prune_out_channels, list(channels)).prune()
        answer = module(*inputs)
    except Exception as error:  # noqa: BLE001  any code of the user's may be in there
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return f"the network's own code asks for as many as there are ({first})"
    return "" if answer.shape == expected else "they are what is answered"


def _graph(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Any:
    return pruning.DependencyGraph().build_dependency(module, inputs, verbose=False)


def _traced(module: torch.nn.Module, task: Task) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the module as it is exported, ready to be traced, and its inputs."""
    traceable, feeds = with_module(task, module).traceable(), task.feeds(task.example_shape())
    inputs = tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs)
    return traceable.module.requires_grad_(requires_grad=True), inputs
