from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from slipway.preflight import Severity, rules
from slipway.preflight.assembly import PLUGIN, with_nested
from slipway.preflight.pseudo import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import PolicyValidationStack

    from slipway.preflight import Finding, Rule

VERSION = "0.1.0"


@jsii.implements(IPolicyValidationPlugin)
class Preflight:
    """Apply the rules of ``slipway check`` at every synth: errors make it fail, warnings are shown.

    ``Validations.of(app).add_plugins(Preflight())`` is all that an app needs, whoever wrote it. Each template is read
    as it was synthesised, so that escape hatches are seen too.

    A finding is accepted with its reason on the resource, or on anything above it, by
    ``Validations.of(construct).acknowledge(Acknowledgment(id="slipway::RULE", reason=…))``; on the resource alone by
    ``add_metadata("slipway", {"acknowledge": {RULE: reason}})``.
    """

    @property
    def name(self) -> str:
        """What stands before the two colons of an acknowledgement."""
        return PLUGIN

    @property
    def version(self) -> str:
        """Of the rules."""
        return VERSION

    @property
    def rule_ids(self) -> list[str]:
        """Every rule."""
        return [rule.id for rule in rules()]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Return what is wrong with the templates of an app."""
        violations = [violation for stack in context.stack_templates for violation in _violations(stack)]
        return PolicyValidationPluginReport(
            success=all(violation.severity != Severity.ERROR.value for violation in violations),
            violations=violations,
            plugin_version=VERSION,
        )


def _violations(stack: PolicyValidationStack) -> Iterator[PolicyViolation]:
    broken: list[tuple[Rule, Exception]] = []
    for source in with_nested(Path(stack.template_path), Place(stack.region, stack.account_id)):
        checked = source.check(lambda rule, error: broken.append((rule, error)))
        yield from (_violation(source.file, each) for each in checked.findings if each.acknowledged is None)
    yield from (_fault(stack, *each) for each in broken)


def _violation(file: str, finding: Finding) -> PolicyViolation:
    path = f"{finding.path}: " if finding.path else ""
    return PolicyViolation(
        description=f"{path}{finding.message}",
        fix=finding.mend,
        rule_name=finding.rule,
        severity=finding.severity.value,
        violating_resources=[
            PolicyViolatingResource(
                locations=[f"Properties.{finding.path}"], resource_logical_id=finding.resource, template_path=file
            )
        ],
    )


def _fault(stack: PolicyValidationStack, rule: Rule, error: Exception) -> PolicyViolation:
    return PolicyViolation(
        description=f"a fault in slipway itself: {type(error).__name__}: {error}",
        rule_name=rule.id,
        severity=Severity.ERROR.value,
        # A violation of no construct is not shown.
        violating_resources=[PolicyViolatingResource(locations=[], construct_path=stack.stack_construct_path)],
    )
