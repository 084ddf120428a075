from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.invoking import FUNCTION, METHOD
from slipway.preflight.monitoring import INPUTS
from slipway.preflight.roles import ROLE, TOPIC
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import KEY, TOPICS
from slipway.preflight.template import CONFIG, MODEL
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Template

KINDS: Final = {ROLE: "name", KEY: "id", TOPIC: "ARN"}
WANTED: Final[dict[tuple[str, Path], tuple[str, tuple[str, ...]]]] = {
    (MODEL, ("ExecutionRoleArn",)): (ROLE, ("Arn",)),
    (CONFIG, ("ExecutionRoleArn",)): (ROLE, ("Arn",)),
    (FUNCTION, ("Role",)): (ROLE, ("Arn",)),
    (METHOD, ("Integration", "Credentials")): (ROLE, ("Arn",)),
    **{(kind, ("RoleArn",)): (ROLE, ("Arn",)) for kind in INPUTS},
    ("AWS::Logs::LogGroup", ("KmsKeyId",)): (KEY, ("Arn",)),
    **{(CONFIG, path): (TOPIC, ("", "TopicArn")) for path in TOPICS},
}


class NameForArn(Rule):
    """Where an ARN is wanted, a reference gives the ARN."""

    id = "NameForArn"
    severity = Severity.ERROR
    consequence = "The name or id is refused where it stands, and the stack rolls back."
    mend = "write !GetAtt Resource.Arn, for a topic !Ref"
    source = (
        "CloudFormation template reference, return values of AWS::IAM::Role, AWS::KMS::Key and AWS::SNS::Topic; "
        "botocore's pattern of RoleArn, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find references to roles, keys and topics that give something else."""
        for (kind, path), (wanted, attributes) in WANTED.items():
            for resource in template.of_kind(kind):
                value = resource.at(*path)
                match = LINK.fullmatch(value) if isinstance(value, str) else None
                held = None if match is None else template.resources.get(match[1])
                if match is not None and held is not None and held.kind == wanted and match[2] not in attributes:
                    yield Violation(
                        resource,
                        path,
                        f"this is the {match[2] or KINDS[wanted]} of '{match[1]}', and its ARN is wanted",
                    )
