"""How many GPUs share a language model, on each machine that holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.fit import Options, plan
from slipway.specs import PlannedDegree, Problem, SpecError

if TYPE_CHECKING:
    from model_build.work import Work
    from slipway.catalog import InstanceType
    from slipway.fit import Model, Plan


def degrees(facts: Model, work: Work, longest: int | None) -> tuple[PlannedDegree, ...]:
    """Return the smallest tensor-parallel degree on every machine with GPUs that holds a model.

    Args:
        facts: The model's; its weights count as they are stored.
        work: Names the machine of the endpoint, if the spec does.
        longest: Sequence that the server lets in; None: as the model's config says.

    Raises:
        SpecError: If the endpoint's machine does not hold it, with the arithmetic.
    """
    machine = None if work.spec.llm is None else work.spec.llm.instance_type
    stored = replace(facts, parameters=None)
    options = Options(engine="vllm", max_tokens=longest)
    if machine is not None:
        chosen = plan(stored, options, instance_types()[machine])
        if chosen is None or chosen.degree is None:
            raise _refusal(work, machine, [] if chosen is None else chosen.lines())
        return (_planned(chosen),)
    plans = (plan(stored, options, each) for each in instance_types().values() if _is_sold(each))
    return tuple(_planned(found) for found in plans if found is not None and found.degree is not None)


def _is_sold(machine: InstanceType) -> bool:
    return bool(machine.gpus) and bool(machine.regions) and not machine.arm64


def _planned(found: Plan) -> PlannedDegree:
    taken = found.taken
    assert taken is not None  # noqa: S101  there is a degree
    return PlannedDegree(
        instance_type=found.machine,
        tensor_parallel_degree=taken.degree,
        copies=found.copies,
        needed_mib=taken.needed_mib,
        available_mib=taken.available_mib,
        room_tokens=taken.room_tokens or 0,
        arithmetic=(*found.lines(), *taken.lines()),
    )


def _refusal(work: Work, machine: str, lines: list[str]) -> SpecError:
    said = "; ".join(" ".join(line.split()) for line in lines)
    message = f"'{machine}' does not hold the model: {said}: see `slipway fit`"
    return SpecError([Problem(f"models/{work.name}/model.yaml", 0, "llm.instance_type", message)])
