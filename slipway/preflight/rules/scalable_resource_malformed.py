from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import OF_COMPONENT, OF_VARIANT, place_of, targets
from slipway.preflight.watching import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ScalableResourceMalformed(Rule):
    """What is scaled is named ``endpoint/<endpoint>/variant/<variant>`` or ``inference-component/<component>``."""

    id = "ScalableResourceMalformed"
    severity = Severity.ERROR
    consequence = "RegisterScalableTarget is refused, and the stack rolls back."
    mend = "write endpoint/${Endpoint.EndpointName}/variant/main, or inference-component/name"
    source = "Application Auto Scaling API reference, RegisterScalableTarget: ResourceId, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find ids of another shape."""
        policies = (place_of(template, policy, policy.properties) for policy in template.of_kind(POLICY))
        for place in [*targets(template), *(each for each in policies if each is not None)]:
            name = place.resource_id
            if name is not None and not OF_VARIANT.fullmatch(name) and not OF_COMPONENT.fullmatch(name):
                message = f"'{name}' names no variant and no inference component"
                yield Violation(place.resource, ("ResourceId",), message)
