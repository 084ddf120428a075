"""What the pseudo-parameters come to where a template is meant to go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.catalog import partition_of
from slipway.preflight.values import UNKNOWN, link

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Place:
    """Where a template is meant to be deployed.

    Args:
        region: None where that is not known, and rules about regions find nothing.
        account: Likewise.
        stack: The name of the stack; likewise.
        parameters: What the stack around it, or its deployer, gives; others come to their defaults.
    """

    region: str | None = None
    account: str | None = None
    stack: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def pseudo(self) -> dict[str, Any]:
        """Return every pseudo-parameter by its name; what is not known is written as a reference to itself."""
        partition, suffix = partition_of(self.region or "")
        return {
            "AWS::AccountId": self.account or link("AWS::AccountId"),
            "AWS::NoValue": None,
            "AWS::NotificationARNs": UNKNOWN,
            "AWS::Partition": partition,
            "AWS::Region": self.region or link("AWS::Region"),
            "AWS::StackId": link("AWS::StackId"),
            "AWS::StackName": self.stack or link("AWS::StackName"),
            "AWS::URLSuffix": suffix,
        }
