"""One live inference component: a model with copies of its own on the fleet of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .endpoint import Endpoint
from .records import ComponentConfig


@dataclass(kw_only=True)
class Component(Endpoint):
    """An inference component as DescribeInferenceComponent sees it.

    It comes, changes and goes as an endpoint does, with traffic of its own; one process stands for all of its copies.

    Args:
        endpoint_name: Of the endpoint whose fleet it is on.
        variant_name: Of that endpoint's variant.
        specification: What is in service.
        copies: How many there shall be; none run where it is 0.
    """

    endpoint_name: str
    variant_name: str
    specification: dict[str, Any]
    copies: int

    @property
    def arn(self) -> str:
        """The ARN of this component."""
        return self.place.arn("sagemaker", f"inference-component/{self.name.lower()}")

    @property
    def current_copies(self) -> int:
        """How many copies there are."""
        return 0 if self.fleet is None else self.fleet.variants[self.variant_name].count

    def config(self, specification: dict[str, Any], copies: int) -> ComponentConfig:
        """Return what a fleet of this component alone would be configured as."""
        variant = {
            "VariantName": self.variant_name,
            "ModelName": specification["ModelName"],
            "InitialInstanceCount": copies,
            **specification.get("StartupParameters", {}),
        }
        return ComponentConfig(self.place, self.name, {"ProductionVariants": [variant]}, self.created)
