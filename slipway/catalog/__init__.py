"""Facts about AWS, each file with its source and date."""

from slipway.catalog.alarms import Alarm, alarms, runbooks
from slipway.catalog.create_only import create_only
from slipway.catalog.instance_types import InstanceType, instance_types, regions
from slipway.catalog.metrics import Metric, find_metric, metrics, published

__all__ = [
    "Alarm",
    "InstanceType",
    "Metric",
    "alarms",
    "create_only",
    "find_metric",
    "instance_types",
    "metrics",
    "published",
    "regions",
    "runbooks",
]
