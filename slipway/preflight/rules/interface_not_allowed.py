from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.roles import may_anywhere, role_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

ACTIONS: Final = ("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission")


class InterfaceNotAllowed(Rule):
    """The role of a model in a VPC may make network interfaces there."""

    id = "InterfaceNotAllowed"
    severity = Severity.ERROR
    consequence = "The endpoint is not created: SageMaker cannot connect the containers to the VPC."
    mend = (
        "allow ec2:CreateNetworkInterface, CreateNetworkInterfacePermission, DeleteNetworkInterface, "
        "DeleteNetworkInterfacePermission and the five ec2:Describe actions of SageMaker's guide"
    )
    source = "SageMaker Developer Guide, execution roles: CreateModel API, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models in a VPC whose role may not make interfaces."""
        for resource in template.of_kind(MODEL, CONFIG):
            role = role_of(template, resource.at("ExecutionRoleArn"))
            if role is None or not isinstance(resource.at("VpcConfig"), dict):
                continue
            missing = [each for each in ACTIONS if may_anywhere(template, role, each) is False]
            if missing:
                message = f"role '{role.logical_id}' has no right to {', '.join(missing)}"
                yield Violation(resource, ("VpcConfig",), message)
