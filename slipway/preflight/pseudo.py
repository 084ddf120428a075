"""What the pseudo-parameters come to where a template is meant to go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.values import UNKNOWN, link

if TYPE_CHECKING:
    from collections.abc import Mapping

# aws-cdk-lib 2.275.0, region-info: partition and DNS suffix by the beginning of a region's name, 2026-11.
PARTITIONS: Final = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
}


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
        ends = (ends for start, ends in PARTITIONS.items() if (self.region or "").startswith(start))
        partition, suffix = next(ends, ("aws", "amazonaws.com"))
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
