from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.roles import may_anywhere
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class LogsNotWritable(Rule):
    """An execution role may write the containers' logs."""

    id = "LogsNotWritable"
    severity = Severity.WARNING
    consequence = "What containers print is lost, the reason why they do not start too."
    mend = "allow logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents on /aws/sagemaker/Endpoints/*"
    source = "SageMaker Developer Guide, execution roles: CreateModel API, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find execution roles that may write no log at all."""
        for role in hosting_roles(template):
            if may_anywhere(template, role, "logs:PutLogEvents") is False:
                yield Violation(
                    role, ("Policies",), "models run with this role and it has no right to logs:PutLogEvents"
                )
