from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

ACCEPTED: Final = range(1024, 6145, 1024)


class ServerlessMemory(Rule):
    """The memory of a serverless variant is 1,024 to 6,144 MB, in steps of 1,024."""

    id = "ServerlessMemory"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write 1024, 2048, 3072, 4096, 5120 or 6144"
    source = "SageMaker API reference, ProductionVariantServerlessConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other sizes."""
        for variant in template.variants():
            size = number(variant.at("ServerlessConfig", "MemorySizeInMB"))
            if size is not None and size not in ACCEPTED:
                path = (*variant.path, "ServerlessConfig", "MemorySizeInMB")
                yield Violation(
                    variant.config, path, f"{size:g} MB are given and {', '.join(map(str, ACCEPTED))} are accepted"
                )
