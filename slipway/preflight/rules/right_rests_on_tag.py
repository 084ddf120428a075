from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.needs import needs
from slipway.preflight.roles import rights_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

TAG: Final = "s3:ExistingObjectTag"


class RightRestsOnTag(Rule):
    """An execution role may read the model's data whatever tags it has."""

    id = "RightRestsOnTag"
    severity = Severity.WARNING
    consequence = (
        "CreateModel is refused unless somebody tagged the object: AmazonSageMakerFullAccess reads any bucket with"
        " sagemaker in its name, and of others only objects tagged SageMaker=true."
    )
    mend = "allow s3:GetObject on the object in a policy of the role"
    source = (
        "AWS managed policy reference, AmazonSageMakerFullAccess, by moto 5.2.5; SageMaker Developer Guide, "
        "execution roles: additional S3 permissions, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models whose role may read tagged objects alone."""
        for need in needs(template):
            if need.kind != "read":
                continue
            rights = rights_of(template, need.role)
            given = [
                each
                for each in rights.statements
                if each.allows and each.applies_to(need.action, need.arn) is not False
            ]
            if given and rights.certain and all(TAG in str(each.written.get("Condition")) for each in given):
                yield Violation(
                    need.where, need.path, f"role '{need.role.logical_id}' may read objects with a certain tag alone"
                )
