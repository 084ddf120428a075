"""Facts about AWS, each file with its source and date."""

from slipway.catalog.instance_types import InstanceType, instance_types, regions

__all__ = ["InstanceType", "instance_types", "regions"]
