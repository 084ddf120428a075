from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.naming import NAMES, places
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import OF_COMPONENT, OF_VARIANT, targets
from slipway.preflight.template import ENDPOINT
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.naming import Place
    from slipway.preflight.template import Template


class ReferenceToOtherKind(Rule):
    """The name of a model is a model's, that of a config a config's, and so on."""

    id = "ReferenceToOtherKind"
    severity = Severity.ERROR
    consequence = "SageMaker finds nothing of that name, and the stack rolls back; an alarm never sees a value."
    mend = "refer to the resource that is meant"
    source = "CloudFormation template reference, AWS::SageMaker::*, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names of models where endpoints are wanted, and the like."""
        for resource, path, value, kind in (*places(template), *_scaled(template)):
            match = LINK.fullmatch(value)
            named = template.resources.get(match[1]) if match else None
            if kind is None or match is None or named is None or named.kind not in NAMES:
                continue
            if match[2] == NAMES[named.kind] and named.kind != kind:
                wanted = NAMES[kind]
                yield Violation(resource, path, f"this is the {match[2]} of '{match[1]}', and a {wanted} is wanted")


def _scaled(template: Template) -> Iterator[Place]:
    """Yield the endpoints and components that are named within the ids of what scales."""
    for target in targets(template):
        for form, kind in ((OF_VARIANT, ENDPOINT), (OF_COMPONENT, COMPONENT)):
            match = form.fullmatch(target.resource_id or "")
            if match is not None:
                yield target.resource, ("ResourceId",), match[1], kind
