from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

READERS: Final = {
    "OPTION_": ("djl",),
    "SAGEMAKER_TFS_": ("tensorflow", "huggingface"),
    "SAGEMAKER_TRITON_": ("sagemaker-triton",),
    "SERVING_": ("djl",),
    "SM_SGLANG_": ("sglang", "huggingface-sglang"),
    "SM_VLLM_": ("vllm", "huggingface-vllm"),
    "TS_": ("autogluon", "huggingface", "inferentia", "neo", "pytorch", "stabilityai"),
}
"""By what names begin with: what the names of servers that read them begin with."""


class VariableOfAnotherServer(Rule):
    """A variable that configures a server is given to that server."""

    id = "VariableOfAnotherServer"
    severity = Severity.WARNING
    consequence = "The variable has no effect."
    mend = "remove it, or write what the server of this image reads"
    source = (
        "documentation of DJL Serving, vLLM and SGLang containers, Triton, TorchServe and TensorFlow Serving, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variables that the known server of an image does not read."""
        for container in held(template):
            server = container.server
            for name in container.environment if server is not None else ():
                readers = next((servers for begins, servers in READERS.items() if name.startswith(begins)), None)
                if readers is not None and not str(server).startswith(readers):
                    message = f"'{name}' is not read by the server of this image, {server}"
                    yield Violation(container.resource, container.at("Environment", name), message)
