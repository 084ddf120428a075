from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.alarming import ALARM, COMPOSITE
from slipway.preflight.naming import NAMES
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

KEYS: Final = {**NAMES, ALARM: "AlarmName", COMPOSITE: "AlarmName"}


class NameGivenTwice(Rule):
    """No two endpoints, components or alarms are given one name."""

    id = "NameGivenTwice"
    severity = Severity.ERROR
    consequence = "CloudFormation refuses the second (it already exists), and the stack rolls back."
    mend = "give each a name of its own, or none"
    source = "CloudFormation User Guide, custom names, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that another resource of the type has."""
        seen: dict[tuple[str, str], str] = {}
        for resource in template.of_kind(*KEYS):
            key = KEYS[resource.kind]
            name = resource.at(key)
            if isinstance(name, str) and is_known(name) and template.is_certain(resource):
                earlier = seen.setdefault((key, name), resource.logical_id)
                if earlier != resource.logical_id:
                    yield Violation(resource, (key,), f"'{earlier}' has the same name, '{name}'")
