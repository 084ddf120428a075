from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.needs import needs
from slipway.preflight.roles import rights_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PolicyNotAwaited(Rule):
    """A model waits for the policies that its role needs."""

    id = "PolicyNotAwaited"
    severity = Severity.WARNING
    consequence = "CreateModel may run before the right exists: it is then refused, and the stack rolls back."
    mend = "add DependsOn with the policy to the model"
    source = "aws-cdk issue 10064; aws-samples generative-ai-sagemaker-cdk-demo issue 2, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies that give a right CreateModel needs and that the model does not wait for."""
        for need in needs(template):
            if need.kind not in ("read", "pull"):
                continue
            rights = rights_of(template, need.role)
            holders = {each.holder.logical_id for each in rights.statements} - {need.role.logical_id}
            late = {name for name in holders if not template.references.waits(need.where.logical_id, name)}
            given = rights.allows(need.action, need.arn) is not False
            if late and given and rights.without(late).allows(need.action, need.arn) is False:
                message = f"{need.action} is given by '{', '.join(sorted(late))}', which the model does not wait for"
                yield Violation(need.where, need.path, message)
