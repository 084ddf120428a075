from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import front_roles, invokes, invoking_roles
from slipway.preflight.roles import rights_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.trust import hosting_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.statements import Statement
    from slipway.preflight.template import Resource, Template

SERVICES: Final = "s3|kms|iam|ecr|sns|sqs|sts|logs|ec2|lambda|sagemaker|dynamodb|secretsmanager"
WIDE: Final = re.compile(rf"\*|({SERVICES}):\*|iam:PassRole|sts:AssumeRole", re.IGNORECASE)


class RightTooWide(Rule):
    """A role of hosting has no right to all of a service, or to all there is."""

    id = "RightTooWide"
    severity = Severity.WARNING
    consequence = "A container or function that is taken over may do the same to everything in the account."
    mend = "name the actions and the resources"
    source = "IAM User Guide, least privilege; Security Hub IAM.1 and IAM.21, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find whole services, or the passing of roles, on every resource."""
        roles = (*hosting_roles(template), *front_roles(template))
        told = {each.logical_id for each in invoking_roles(template)}  # what they may invoke is InvokerTooWide's
        for each in {(s.holder.logical_id, s.path): s for role in roles for s in of(template, role, told)}.values():
            wide = [action for action in each.listed("Action") if isinstance(action, str) and WIDE.fullmatch(action)]
            if wide or "NotAction" in each.written:
                said = f"'{wide[0]}'" if wide else "all but some actions"
                yield Violation(each.holder, each.path, f"{said} on every resource is allowed")


def of(template: Template, role: Resource, told: set[str]) -> list[Statement]:
    """Return what a role is allowed on every resource."""
    given = [each for each in rights_of(template, role).given if "*" in each.listed("Resource")]
    return [each for each in given if role.logical_id not in told or not invokes(each)]
