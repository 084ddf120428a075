from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 1024
MOST_TOGETHER: Final = 32 << 10


class VariablesTooLarge(Rule):
    """A variable of a container is at most 1,024 bytes long; those of all containers, with their names, 32 KB."""

    id = "VariablesTooLarge"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "put the value into the archive or into S3"
    source = "SageMaker API reference, ContainerDefinition: Environment, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find longer ones."""
        for model in template.of_kind(MODEL):
            together = 0
            for path, container in containers(model):
                sizes = _sizes(container.get("Environment"))
                for name, size in sizes.items():
                    if size > MOST:
                        message = f"{size:,} bytes are given and at most {MOST:,} are accepted"
                        yield Violation(model, (*path, "Environment", name), message)
                together += sum(len(name.encode()) + size for name, size in sizes.items())
                if together > MOST_TOGETHER:
                    message = f"{together:,} bytes are given together and at most {MOST_TOGETHER:,} are accepted"
                    yield Violation(model, (*path, "Environment"), message)
                    break


def _sizes(variables: Any) -> dict[str, int]:
    if not isinstance(variables, dict):
        return {}
    return {
        name: len(value.encode("utf-8", "replace"))
        for name, value in variables.items()
        if isinstance(name, str) and isinstance(value, str) and is_known(value)
    }
