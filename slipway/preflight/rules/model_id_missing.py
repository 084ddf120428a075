from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NAMED: Final = {
    "huggingface-llm": "HF_MODEL_ID",
    "huggingface-tei": "HF_MODEL_ID",
    "huggingface-tei-cpu": "HF_MODEL_ID",
}
"""Servers that stop at their start without a variable that names the model, also where its data is mounted."""


class ModelIdMissing(Rule):
    """Hugging Face's servers of text are told where the model lies, also one from S3."""

    id = "ModelIdMissing"
    severity = Severity.ERROR
    consequence = "The server stops at its start: 'HF_MODEL_ID must be set'; the endpoint fails."
    mend = "set HF_MODEL_ID, for data from S3 to /opt/ml/model"
    source = "sagemaker-huggingface-inference-toolkit, issue 97; text-generation-inference, sagemaker-entrypoint.sh"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find servers that are not told."""
        for container, image in in_ecr(template):
            name = NAMED.get(str(image.server))
            written = container.settings.get("Environment", {})
            if image.published and name is not None and isinstance(written, dict) and name not in written:
                yield Violation(container.resource, container.at("Environment"), f"'{name}' is not given")
