"""Which model lies on which machine, and what is known of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import hub_models, instance_types
from slipway.fit import Model, Options, fit, model_of_config, model_of_facts, options_of, sequence_tokens, smallest
from slipway.preflight.hosting import COMPONENT, config_of, environment_of, model_of
from slipway.preflight.template import ENDPOINT, MODEL, containers, number
from slipway.specs.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.fit import Fit
    from slipway.preflight.template import Path, Resource, Template, Variant

RESERVED: Final = ("Specification", "ComputeResourceRequirements", "NumberOfAcceleratorDevicesRequired")
MOST_DEVICES: Final = 64
BLINDING: Final = frozenset({"dtype", "quantization", "elsewhere", "pipeline", "cache_dtype", "memory_share"})
"""What must be clear before anything is said of memory."""

IMAGES: Final = {"-lmi": "vllm", "/vllm:": "vllm", "huggingface-vllm:": "vllm", "tgi-inference:": "tgi"}
"""What a published image starts unless it is told otherwise. Source: djl-serving, LMI backend selection, 2026-11."""


@dataclass(frozen=True)
class Held:
    """One container's model on one kind of machine.

    Args:
        resource: That puts it there: an endpoint config or an inference component.
        path: Of the property that does.
        machine: With no more GPUs than the model may use.
        model: None where its facts are not known.
        options: How its server is told to hold it.
        alone: Whether all GPUs of the machine are there for this container.
    """

    resource: Resource
    path: Path
    machine: InstanceType
    model: Model | None
    options: Options
    alone: bool


def held(template: Template) -> Iterator[Held]:
    """Yield every container on every machine that hosts it, variants first."""
    for variant in template.variants():
        model = model_of(template, variant)
        if model is not None:
            for path, machine in _machines(variant):
                yield from _in(model, variant.config, path, machine, alone=True)
    for component in template.of_kind(COMPONENT):
        yield from _component(template, component)


def _component(template: Template, component: Resource) -> Iterator[Held]:
    endpoint = template.named(ENDPOINT, component.at("EndpointName"), key="EndpointName")
    config = None if endpoint is None else config_of(template, endpoint)
    model = template.named(MODEL, component.at("Specification", "ModelName"), key="ModelName")
    reserved = number(component.at(*RESERVED))
    if config is None or model is None or reserved is None or not 1 <= reserved <= MOST_DEVICES:
        return
    for variant in template.variants_of(config):
        if variant.at("VariantName") == component.at("VariantName"):
            for _, machine in _machines(variant):
                if machine.gpus:
                    few = replace(machine, gpus=min(machine.gpus, int(reserved)))
                    yield from _in(model, component, RESERVED, few, alone=False)


def _machines(variant: Variant) -> Iterator[tuple[Path, InstanceType]]:
    """Yield every kind of machine that a variant may get, and the property that says so."""
    pools = variant.at("InstancePools")
    paths: list[Path] = [("InstanceType",)]
    paths += [("InstancePools", index, "InstanceType") for index in range(len(pools) if isinstance(pools, list) else 0)]
    for path in paths:
        machine = instance_types().get(str(variant.at(*path)))
        if machine is not None:
            yield (*variant.path, *path), machine


def _in(model: Resource, resource: Resource, path: Path, machine: InstanceType, *, alone: bool) -> Iterator[Held]:
    found = [container for _, container in containers(model)]
    for index, container in enumerate(found):
        options = _by_image(options_of(_options(model) | environment_of(container)), str(container.get("Image")))
        # The metadata of several containers is of all together, which share main memory alone.
        facts = facts_of(model, options) if len(found) == 1 or not (index or machine.gpus) else None
        yield Held(resource, path, machine, facts, options, alone and len(found) == 1)


def _options(model: Resource) -> dict[str, Any]:
    """Return what files beside the model tell its server, as far as the template says so."""
    said = model.metadata.get("options")
    return said if isinstance(said, dict) else {}


def _by_image(options: Options, image: str) -> Options:
    if options.engine not in (None, "auto"):
        return options
    return replace(options, engine=next((engine for part, engine in IMAGES.items() if part in image), None))


def facts_of(model: Resource, options: Options) -> Model | None:
    """Return what is known of the model of a resource: from its metadata, else from the id of a public model."""
    try:
        if "model" in model.metadata:
            return model_of_facts(model.metadata["model"], model.logical_id)
        if options.model_id in hub_models():
            return model_of_config(hub_models()[options.model_id], options.model_id)
    except UsageError:  # the rule UnreadableModelFacts says so
        return None
    return None


def judged(each: Held) -> Fit | None:
    """Put a model onto its machine, as far as that can be judged.

    Counted are the tokens that the server must have room for before it starts: one sequence as long as it lets in under
    vLLM, which refuses to start otherwise, and none under a server that shortens sequences instead.
    """
    model, options, machine = each.model, each.options, each.machine
    if model is None or options.unclear & BLINDING:
        return None
    if machine.neuron_devices or (machine.gpus and not model.generates):
        return None
    strict = options.engine in ("vllm", "lmi-dist") and "max_tokens" not in options.unclear
    if options.memory_share is None and not strict:
        options = replace(options, memory_share=1.0)
    return fit(model, options, machine, tokens=sequence_tokens(model, options) if strict else 0)


def advice(template: Template, each: Held) -> str:
    """Name the smallest machine that would do."""
    if each.model is None:
        return ""
    free = replace(each.options, degree=None, pipeline=1, memory_share=None)
    found = smallest(each.model, free, region=template.region, like=each.machine)
    if found is None:
        return "; no type sold here holds it: quantise it, or shorten its sequences"
    shared = f" shared by {found.degree} GPUs" if found.degree > 1 else ""
    return f"; {found.machine} is the smallest type that holds it{shared}"


def arithmetic(found: Fit, *parts: str) -> str:
    """Return the lines of a need that begin with one of some words, in one."""
    lines: list[str] = [" ".join(line.split()) for line in found.need.lines]
    return "; ".join(line for line in lines if line.startswith(parts))
