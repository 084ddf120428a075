"""Facts about AWS, each file with its source and date."""

from slipway.catalog.alarms import Alarm, alarms, runbooks
from slipway.catalog.create_only import create_only
from slipway.catalog.hub_models import hub_models
from slipway.catalog.instance_types import InstanceType, instance_types, regions
from slipway.catalog.limits import ITEM, Limit, Shape, limit, shape
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
    "hub_models",
    "instance_types",
    "limit",
    "metrics",
    "published",
    "regions",
    "runbooks",
    "shape",
]
