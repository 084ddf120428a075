"""Facts about AWS, each file with its source and date."""

from slipway.catalog.create_only import create_only
from slipway.catalog.instance_types import InstanceType, instance_types, regions

__all__ = ["InstanceType", "create_only", "instance_types", "regions"]
