"""What is served around a model: a handler of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from slipway.specs.base import Spec
from slipway.specs.text import Shape

if TYPE_CHECKING:
    from slipway.specs.base import Findings
    from slipway.specs.model import ModelSpec


class Serve(Spec):
    """What goes into the archive beside the model."""

    handler: Annotated[
        str,
        Shape(r"^[A-Za-z_][A-Za-z0-9_]*\.py$", "the name of a Python file beside the source, such as handler.py"),
        Field(examples=["handler.py"]),
    ]
    """File beside the source whose functions ``load``, ``preprocess`` and ``postprocess`` the server ``onnxruntime``
    calls; it is packed into the archive, and the proof passes through it."""


def check_serve(findings: Findings, spec: ModelSpec) -> None:
    """Find what no handler is for."""
    if spec.serve is None:
        return
    if spec.target == "llm":
        findings.add(("serve",), "is for the server 'onnxruntime', and 'target: llm' is for others: remove the key")
    elif spec.task == "text-generation":
        findings.add(("serve",), "is for models that answer at once, not for text-generation: remove the key")
