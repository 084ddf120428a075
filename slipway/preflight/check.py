"""Every rule over one template."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any

from slipway.preflight import rules as rules_package
from slipway.preflight.rule import Finding, Rule, Severity
from slipway.preflight.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Path


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, by id: each file under ``rules/`` holds one."""
    for module in pkgutil.iter_modules(rules_package.__path__):
        importlib.import_module(f"{rules_package.__name__}.{module.name}")
    return tuple(sorted((kind() for kind in Rule.__subclasses__()), key=lambda rule: rule.id))


def check(document: dict[str, Any], *, region: str | None = None) -> list[Finding]:
    """Return what is wrong with a template, acknowledged findings too.

    Args:
        document: The template, as ``read_template`` gives it.
        region: Where it is meant to be deployed. Default: rules about regions find nothing.
    """
    template = Template(document, region=region)
    return sorted(_finding(rule, violation) for rule in rules() for violation in rule.violations(template))


def has_errors(findings: Sequence[Finding]) -> bool:
    """Return whether a deployment should be stopped."""
    return any(each.severity is Severity.ERROR and each.acknowledged is None for each in findings)


def _finding(rule: Rule, violation: Violation) -> Finding:
    resource = violation.resource
    return Finding(
        acknowledged=resource.acknowledged.get(rule.id),
        mend=rule.mend,
        message=violation.message,
        path=in_words(violation.path),
        resource=resource.logical_id,
        rule=rule.id,
        severity=rule.severity,
    )


def in_words(path: Path) -> str:
    """Write a path as people do: ``ProductionVariants[0].InstanceType``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
