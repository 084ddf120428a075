from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from slipway.catalog import InstanceType
    from slipway.fit import Fit, Model, Options


def fit(  # noqa: PLR0913  each is an option of the command
    model: Annotated[str, typer.Argument(help="config.json, manifest.json, serving.properties, our model, or hub id")],
    *,
    instance_type: Annotated[str | None, typer.Option(help="judge this one; else only the smallest is named")] = None,
    tensor_parallel: Annotated[str | None, typer.Option(help="GPUs that share it, or max; else as many as can")] = None,
    dtype: Annotated[str | None, typer.Option(help="fp32, fp16, bf16; else the model's own")] = None,
    quantize: Annotated[str | None, typer.Option(help="int8, int4, fp8, awq, gptq, …; else the model's own")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="in flight; else one sequence of full length")] = None,
    region: Annotated[str | None, typer.Option(help="where the smallest must be sold; else anywhere")] = None,
    environment: Annotated[str | None, typer.Option(help="judge its fleets too, and count their hours a month")] = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say with the arithmetic whether a model fits a machine's memory, and which is the smallest that it fits."""
    from slipway.catalog import regions
    from slipway.cli.fit_fleets import placed
    from slipway.cli.fit_page import page
    from slipway.fit import plan, smallest

    if region is not None and region not in regions():
        raise UsageError(f"'{region}' is not a region that sells SageMaker hosting")
    found, options = _model(model, project)
    options = _chosen(options, tensor_parallel, dtype, quantize)
    machine = None if instance_type is None else _machine(instance_type)
    on = None if machine is None else _on(found, options, machine, tokens)
    planned = None if machine is None or options.degree is not None else plan(found, options, machine, tokens=tokens)
    least = smallest(found, options, region=region, tokens=tokens, like=machine)
    document: dict[str, Any] = {"model": found.name, "parameters": found.parameters, "region": region}
    parts: dict[str, Any] = {"on": on, "plan": planned, "smallest": least}
    document |= {key: None if each is None else each.as_dict() for key, each in parts.items()}
    running = [] if environment is None else placed(find_project(project), environment, model, found)
    if environment is not None:
        document["fleets"] = [each.as_dict() for each in running]
    answer(output, document, page(found.name, on, least, region, planned, running))
    judged = ([least] if on is None else [on]) + [each.fit for each in running]
    if any(each is None or not each.fits for each in judged):
        raise typer.Exit(1)


def _model(word: str, project: Path | None) -> tuple[Model, Options]:
    """Return a model and how its server is told to hold it: from a file, by a public id, or from this project."""
    from slipway.catalog import hub_models
    from slipway.fit import Model, Options, model_of_config, model_of_language, options_of_properties, read_model

    path = Path(word)
    if path.suffix == ".properties" and path.is_file():
        options = options_of_properties(path.read_text(encoding="utf-8"))
        return _named(options.model_id, path), options
    if path.is_file() or (path / "config.json").is_file():
        return read_model(path if path.is_file() else path / "config.json"), Options()
    if word in hub_models():
        return model_of_config(hub_models()[word], word), Options()
    here = None if path.suffix else find_project(project)
    locked = {} if here is None else here.lock.models
    if here is None or word not in locked:
        raise UsageError(f"'{word}' is no file, no public model that is known, and no model that was built here")
    language = locked[word].language
    if language is not None:
        return model_of_language(language, word), Options(engine="vllm")
    if locked[word].layout == "prefix":  # only the manifest tells of its layers
        return read_model(here.artifact_folder(word, locked[word].digest) / "manifest.json"), Options(engine="vllm")
    return Model(word, weight_bytes=locked[word].archive.size_bytes), Options()


def _named(model_id: str | None, path: Path) -> Model:
    from slipway.catalog import hub_models
    from slipway.fit import model_of_config

    if model_id not in hub_models():
        raise UsageError(f"{path}: option.model_id is {model_id!r}, which is not known: give its config.json instead")
    return model_of_config(hub_models()[model_id], model_id)


def _chosen(options: Options, degree: str | None, dtype: str | None, quantize: str | None) -> Options:
    """Return the options with what the command line says, which wins."""
    from dataclasses import replace

    from slipway.fit import options_of

    words = {"OPTION_TENSOR_PARALLEL_DEGREE": degree, "OPTION_DTYPE": dtype, "OPTION_QUANTIZE": quantize}
    said = options_of({key: value for key, value in words.items() if value is not None})
    for key in sorted(said.unclear):
        raise UsageError(f"'{words[said.said[key]]}' is no {key} that is known: see `slipway fit --help`")
    given = {key: getattr(said, key) for key in ("degree", "dtype", "quantization") if getattr(said, key) is not None}
    return replace(options, **given)


def _machine(name: str) -> InstanceType:
    from slipway.catalog import instance_types
    from slipway.specs.suggest import did_you_mean

    if name not in instance_types():
        hint = did_you_mean(name, sorted(instance_types()), also=f"ml.{name}")
        raise UsageError(f"'{name}' is not a hosting type{hint}")
    return instance_types()[name]


def _on(model: Model, options: Options, machine: InstanceType, tokens: int | None) -> Fit:
    from slipway.fit import fit as fit_on

    found = fit_on(model, options, machine, tokens=tokens)
    if found is not None:
        return found
    if machine.neuron_devices:
        raise UsageError(
            f"'{machine.name}' has {machine.neuron_name} devices: what a compiled model takes is not known"
        )
    if isinstance(options.degree, int) and machine.gpus:
        wanted = options.degree * options.pipeline
        raise UsageError(f"a model over {wanted} GPUs is asked for and '{machine.name}' has {machine.gpus}")
    raise UsageError(f"too little is known of {model.name} on '{machine.name}': give its config.json")
