from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

LAST = {"djl-deepspeed": "0.27.0", "djl-fastertransformer": "0.24.0"}


class ServerDiscontinued(Rule):
    """DJL still makes images with the server that a container runs."""

    id = "ServerDiscontinued"
    severity = Severity.WARNING
    consequence = "It is patched no more, knows no newer model, and goes with the next driver that it does not know."
    mend = "move to djl-lmi, whose vLLM serves the same models, or to 'server: djl-mpi' for those that it does not"
    source = "DJL Serving, LMI 0.27.0 DeepSpeed user guide: removed from 0.28.0 on; sagemaker-core 2.27.0, image tables"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers of such images."""
        for container, image in in_ecr(template):
            last = LAST.get(str(image.server))
            if last is not None:
                message = f"'{image.server}' ended with DJL {last}"
                yield Violation(container.resource, container.at("Image"), message)
