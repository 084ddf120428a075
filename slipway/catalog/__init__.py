"""Facts about AWS, each file with its source and date."""

from slipway.catalog.alarms import Alarm, alarms, runbooks
from slipway.catalog.create_only import create_only
from slipway.catalog.instance_types import InstanceType, instance_types, regions
from slipway.catalog.limits import ITEM, Limit, Shape, limit, shape
from slipway.catalog.managed_policies import managed_policy
from slipway.catalog.metrics import Metric, find_metric, metrics, published

__all__ = [
    "ITEM",
    "Alarm",
    "InstanceType",
    "Limit",
    "Metric",
    "Shape",
    "alarms",
    "create_only",
    "find_metric",
    "instance_types",
    "limit",
    "managed_policy",
    "metrics",
    "published",
    "regions",
    "runbooks",
    "shape",
]
