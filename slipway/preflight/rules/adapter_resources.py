from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.placing import specifications
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AdapterResources(Rule):
    """An adapter runs on the resources of its base component; every other component asks for its own."""

    id = "AdapterResources"
    severity = Severity.WARNING
    consequence = (
        "An adapter's request for resources is refused or without effect, and a component without one cannot be placed."
    )
    mend = "remove ComputeResourceRequirements from adapters, give it to others"
    source = "botocore, InferenceComponentSpecification: omit this parameter for an adapter, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find adapters that ask, and others that do not."""
        for component in template.of_kind(COMPONENT):
            for path, each in specifications(component):
                adapter, asked = each.get("BaseInferenceComponentName"), each.get("ComputeResourceRequirements")
                if (adapter is None and asked is None) or (is_there(adapter) and is_there(asked)):
                    what = "no resources are asked for" if adapter is None else "an adapter asks for its own resources"
                    yield Violation(component, (*path, "ComputeResourceRequirements"), what)
