"""What a model that generates text cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs.shrink import SHRINKING

if TYPE_CHECKING:
    from slipway.specs.base import Findings
    from slipway.specs.model import ModelSpec


def check_generation(findings: Findings, spec: ModelSpec) -> None:
    """Find what a spec asks for that no recipe does with a model that generates.

    Args:
        findings: Gets it.
        spec: Of such a model.
    """
    if spec.calibrate is not None:
        findings.add(("calibrate",), f"no recipe for {spec.task} is calibrated: remove the key")
    if spec.target == "gpu":
        findings.add(("target",), f"'gpu' has no recipe for {spec.task}: use 'cpu'")
    if spec.benchmark.peers is not None:
        findings.add(("benchmark", "peers"), f"are timed for models whose answer is numbers, not for {spec.task}")
    for key in SHRINKING:
        if getattr(spec, key) is not None:
            reason = f"is for models whose answer is numbers, and {spec.task} goes on token by token: remove the key"
            findings.add((key,), reason)
