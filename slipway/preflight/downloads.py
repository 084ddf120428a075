"""What a container fetches when it starts, and how long it may take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import COMPONENT, model_of
from slipway.preflight.images import held
from slipway.preflight.template import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.images import Held
    from slipway.preflight.template import Path, Resource, Template

STARTUP: Final = "ContainerStartupHealthCheckTimeoutInSeconds"
MODEL_VARIABLES: Final = {
    "djl": ("HF_MODEL_ID", "OPTION_MODEL_ID"),
    "huggingface": ("HF_MODEL_ID", "SM_VLLM_MODEL", "SM_SGLANG_MODEL_PATH"),
    "sglang": ("SM_SGLANG_MODEL_PATH",),
    "vllm": ("SM_VLLM_MODEL",),
}
"""By what the name of a server begins with: the variables that name its model."""
SCRIPTED: Final = ("chainer", "huggingface", "mxnet", "pytorch", "sklearn", "xgboost")
"""Servers that fetch their script from where SAGEMAKER_SUBMIT_DIRECTORY says."""
SCRIPTS: Final = "SAGEMAKER_SUBMIT_DIRECTORY"
HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
BILLIONS: Final = re.compile(r"(?<![A-Za-z0-9.])(?:(\d{1,4})x)?(\d{1,6}(?:\.\d{1,6})?)[bB](?![A-Za-z0-9])")


def downloads(template: Template) -> Iterator[tuple[Held, str, str]]:
    """Yield every container of a known server that fetches its model, the variable that says so, and its value."""
    for container in held(template):
        environment = container.environment
        offline = environment.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
        for name in _variables(container.server):
            value = environment.get(name, "")
            if value.startswith("s3://") or (HUB_ID.fullmatch(value) and not offline):
                yield container, name, value
                break


def scripts(template: Template) -> Iterator[tuple[Held, str, str]]:
    """Yield every container of a known server that fetches its script, likewise."""
    for container in held(template):
        value = container.environment.get(SCRIPTS, "")
        if value.startswith("s3://") and str(container.server).startswith(SCRIPTED):
            yield container, SCRIPTS, value


def billions(model: str) -> float | None:
    """Return how many billions of parameters a model has, as its name says: 70 for ``Llama-3.1-70B``."""
    match = BILLIONS.search(model.rpartition("/")[2])
    return None if match is None else float(match[2]) * int(match[1] or 1)


def startups(template: Template) -> dict[str, list[tuple[Resource, Path, Any]]]:
    """Return where it is said how long a container may start, by its model's or component's id, and the value."""
    found: dict[str, list[tuple[Resource, Path, Any]]] = {}
    for variant in template.variants():
        model = model_of(template, variant)
        if model is not None and variant.at("InstanceType") is not None:
            said = (variant.config, (*variant.path, STARTUP), variant.at(STARTUP))
            found.setdefault(model.logical_id, []).append(said)
    for component in template.of_kind(COMPONENT):
        model = template.named(MODEL, component.at("Specification", "ModelName"), key="ModelName")
        path = ("Specification", "StartupParameters", STARTUP)
        host = component if model is None else model
        found.setdefault(host.logical_id, []).append((component, path, component.at(*path)))
    return found


def _variables(server: str | None) -> tuple[str, ...]:
    return next((names for begins, names in MODEL_VARIABLES.items() if str(server).startswith(begins)), ())
