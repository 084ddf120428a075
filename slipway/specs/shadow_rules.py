"""What SageMaker forbids beside a shadow variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs.machine import check_machine
from slipway.specs.variables import check_variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.base import Findings
    from slipway.specs.parts import Rollout, Variant
    from slipway.specs.shadow import Shadow

INFERENTIA: Final = "ml.inf1."


def check_shadow(findings: Findings, shadow: Shadow, variants: Sequence[Variant], rollout: Rollout) -> None:
    """Find what keeps a shadow from standing beside these variants."""
    if len(variants) > 1:
        message = f"a shadow stands beside one variant and there are {len(variants)}: keep one, or remove the key"
        findings.add(("shadow",), message, because=(("variants",),))
    for index, variant in enumerate(variants):
        if variant.name == shadow.name:
            message = f"'{shadow.name}' is the variant's name too: name the shadow apart"
            findings.add(("shadow", "name"), message, because=(("variants", index, "name"),))
        if variant.instance_type.startswith(INFERENTIA):
            message = f"'{variant.instance_type}' takes no shadow beside it: remove 'shadow', or use another type"
            findings.add(("variants", index, "instance_type"), message, because=(("shadow",),))
    if shadow.instance_type.startswith(INFERENTIA):
        findings.add(("shadow", "instance_type"), f"'{shadow.instance_type}' cannot be a shadow: use another type")
        return
    if rollout.strategy == "rolling":
        # A guess: SageMaker says it of several variants and leaves shadows open.
        message = "a rolling update replaces one fleet and the shadow is a second: use canary or linear"
        findings.add(("rollout", "strategy"), message, because=(("shadow",),))
    check_machine(findings, ("shadow",), shadow.beside(variants[0]), rollout, scaled=False)
    check_variables(findings, ("shadow", "environment"), shadow.environment)
