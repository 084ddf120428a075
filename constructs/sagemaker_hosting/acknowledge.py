"""A finding of cdk-nag that is accepted, with its reason, beside what it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Stack, Validations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept a finding on a construct and its children.

    Args:
        construct: What the finding is about, or what holds it.
        rule: As cdk-nag prints it behind the two colons: ``AwsSolutions-COG4``, ``NIST.800.53.R5-LambdaDLQ``, or
            ``AwsSolutions-IAM5[Resource::*]`` for one of many.
        reason: The sentence that says why it is accepted here.
    """
    acknowledge_all(construct, {rule: reason})


def acknowledge_all(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept several findings on a construct and its children, in one call across the language border.

    Args:
        construct: What the findings are about, or what holds it.
        reasons: The sentence for each rule.
    """
    accepted = [Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items()]
    Validations.of(construct).acknowledge(*accepted)


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept one resource with a wildcard in the policies of a role.

    Args:
        construct: The role, or what holds it.
        resource: As the policy has it; it may hold imported values.
        reason: The sentence that says why it is accepted here.
    """
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{_flat(Stack.of(construct).resolve(resource))}]", reason)


def acknowledge_own_policies(construct: IConstruct) -> None:
    """Accept that the rights of a role are inline policies.

    Args:
        construct: The role, or what holds it.
    """
    acknowledge(
        construct,
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "these rights name the resources of this one stack and go when their role goes; a managed policy could be "
        "attached to others and would outlive it",
    )


def _flat(value: Any) -> str:
    """Write a resolved value as cdk-nag does."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(_flat(part) for part in value["Fn::Join"][1])
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return str(value["Fn::ImportValue"])
