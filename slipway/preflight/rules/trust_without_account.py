from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles, principals, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TrustWithoutAccount(Rule):
    """SageMaker takes a role on behalf of its own account alone."""

    id = "TrustWithoutAccount"
    severity = Severity.WARNING
    consequence = "SageMaker could be led by another account's request to act with this role, as a confused deputy."
    mend = "add the condition StringEquals aws:SourceAccount, or aws:SourceArn"
    source = "SageMaker Developer Guide, cross-service confused deputy prevention, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find execution roles that SageMaker may take for whomever."""
        for role in hosting_roles(template):
            for statement in trusting(role):
                if "sagemaker.amazonaws.com" in principals(statement, "Service") and not statement.conditional:
                    yield Violation(
                        role, statement.path, "no condition says for whose account SageMaker takes this role"
                    )
