from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import front_roles
from slipway.preflight.roles import AWS_MANAGED
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

WIDE: Final = ("AdministratorAccess", "PowerUserAccess")


class FullAccessPolicy(Rule):
    """A role of hosting has no managed policy that gives full access."""

    id = "FullAccessPolicy"
    severity = Severity.WARNING
    consequence = "A container that is taken over may do in the account whatever the policy allows."
    mend = "write down what the model needs: its archive, its image, its logs, its destinations"
    source = "SageMaker Developer Guide, execution roles; IAM User Guide, least privilege, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find such policies at execution roles and at roles that invoke."""
        for role in (*hosting_roles(template), *front_roles(template)):
            listed = role.at("ManagedPolicyArns")
            for index, arn in enumerate(listed if isinstance(listed, list) else []):
                match = AWS_MANAGED.fullmatch(arn) if isinstance(arn, str) else None
                if match is not None and (match[1].endswith("FullAccess") or match[1] in WIDE):
                    yield Violation(
                        role, ("ManagedPolicyArns", index), f"'{match[1]}' gives far more than hosting needs"
                    )
