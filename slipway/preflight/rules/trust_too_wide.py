from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles, is_foreign, principals, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TrustTooWide(Rule):
    """A role of hosting is taken by its service alone."""

    id = "TrustTooWide"
    severity = Severity.WARNING
    consequence = "Whoever is named, in this account or another, may read the models and what was captured."
    mend = "name the service principal, and ask another account for sts:ExternalId"
    source = "IAM User Guide, the confused deputy problem, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find roles that everybody, or another account without an external id, may take."""
        for role in hosting_roles(template):
            for statement in trusting(role):
                for principal in principals(statement, "AWS"):
                    if principal == "*" and not statement.conditional:
                        yield Violation(role, statement.path, "everybody may take this role")
                    elif is_foreign(principal) and not statement.conditional:
                        yield Violation(
                            role, statement.path, f"'{principal}' may take this role without an external id"
                        )
