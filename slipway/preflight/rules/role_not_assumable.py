from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles, trusts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RoleNotAssumable(Rule):
    """SageMaker may take the role that a model runs with."""

    id = "RoleNotAssumable"
    severity = Severity.ERROR
    consequence = (
        "CreateModel is refused: 'ensure that its trust relationship policy allows sts:AssumeRole for "
        "sagemaker.amazonaws.com'."
    )
    mend = "trust the service principal sagemaker.amazonaws.com with sts:AssumeRole"
    source = "aws-cdk issue 10064; SageMaker Developer Guide, execution roles, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find execution roles that trust somebody else alone."""
        for role in hosting_roles(template):
            if trusts(role, "sagemaker.amazonaws.com") is False:
                message = "sagemaker.amazonaws.com may not take this role, and models run with it"
                yield Violation(role, ("AssumeRolePolicyDocument",), message)
