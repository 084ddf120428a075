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
    from collections.abc import Callable, Sequence

    from slipway.preflight.pseudo import Place
    from slipway.preflight.rule import Violation
    from slipway.preflight.template import Path

    OnFault = Callable[[Rule, Exception], None]


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, by id: each file under ``rules/`` holds one."""
    for module in pkgutil.iter_modules(rules_package.__path__):
        importlib.import_module(f"{rules_package.__name__}.{module.name}")
    return tuple(sorted((kind() for kind in Rule.__subclasses__()), key=lambda rule: rule.id))


def check(
    document: dict[str, Any],
    *,
    region: str | None = None,
    place: Place | None = None,
    on_fault: OnFault | None = None,
) -> list[Finding]:
    """Return what is wrong with a template, acknowledged findings too.

    Args:
        document: The template, as ``read_template`` gives it.
        region: Where it is meant to be deployed. Default: rules about regions find nothing.
        place: The same, with all else that is known of it; instead of ``region``.
        on_fault: Told of a rule that broke on the template, which takes no finding of another rule along.
            Default: its exception is raised.
    """
    template = Template(document, region=region, place=place)
    return sorted(finding for rule in rules() for finding in _found_by(rule, template, on_fault))


def _found_by(rule: Rule, template: Template, on_fault: OnFault | None) -> list[Finding]:
    try:
        return [_finding(rule, violation) for violation in rule.violations(template)]
    except Exception as error:
        if on_fault is None:
            raise
        on_fault(rule, error)
        return []


def has_errors(findings: Sequence[Finding]) -> bool:
    """Return whether a deployment should be stopped."""
    return any(each.severity is Severity.ERROR and each.acknowledged is None for each in findings)


def _finding(rule: Rule, violation: Violation) -> Finding:
    resource = violation.resource
    return Finding(
        acknowledged=resource.acknowledged.get(rule.id),
        construct=resource.construct,
        mend=rule.mend,
        message=violation.message,
        path=in_words(violation.path),
        resource=resource.logical_id,
        rule=rule.id,
        severity=rule.severity,
        steps=violation.path,
    )


def in_words(path: Path) -> str:
    """Write a path as people do: ``ProductionVariants[0].InstanceType``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
