"""What a container fetches from a model hub when it starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.images import Held
    from slipway.preflight.template import Template

from slipway.preflight.images import held

MODEL_VARIABLES: Final = {
    "djl": ("HF_MODEL_ID", "OPTION_MODEL_ID", "SERVING_LOAD_MODELS"),
    "huggingface": ("HF_MODEL_ID", "SM_VLLM_MODEL", "SM_SGLANG_MODEL_PATH"),
    "sglang": ("SM_SGLANG_MODEL_PATH",),
    "vllm": ("SM_VLLM_MODEL",),
}
"""By what the name of a server begins with: the variables that name its model."""
HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
BILLIONS: Final = re.compile(r"(?<![A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)[bB](?![A-Za-z0-9])")


def downloads(template: Template) -> Iterator[tuple[Held, str, str]]:
    """Yield every container of a known server that fetches its model, the variable that says so, and its value."""
    for container in held(template):
        environment = container.environment
        for name in _variables(container.server):
            value = environment.get(name, "")
            if HUB_ID.fullmatch(value) or value.startswith("s3://"):
                yield container, name, value
                break


def billions(model: str) -> float | None:
    """Return how many billions of parameters a model has, as its name says: 70 for ``Llama-3.1-70B``."""
    match = BILLIONS.search(model.rpartition("/")[2])
    return None if match is None else float(match[2]) * int(match[1] or 1)


def _variables(server: str | None) -> tuple[str, ...]:
    return next((names for begins, names in MODEL_VARIABLES.items() if str(server).startswith(begins)), ())
