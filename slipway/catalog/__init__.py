"""Facts about AWS, each file with its source and date."""

from slipway.catalog.alarms import Alarm, alarms, runbooks
from slipway.catalog.create_only import create_only
from slipway.catalog.cuda import DRIVERS, cuda_of
from slipway.catalog.hub_models import hub_models
from slipway.catalog.image_uri import NoImageError, find_image, image_uri, newness
from slipway.catalog.images import (
    HostingImage,
    end_of_life,
    hosting_images,
    image_accounts,
    image_repositories,
    images_taken,
    publishers,
    publishing_regions,
)
from slipway.catalog.instance_types import InstanceType, instance_types, regions
from slipway.catalog.limits import ITEM, Limit, Shape, limit, shape
from slipway.catalog.lmi_options import lmi_options
from slipway.catalog.lmi_versions import LmiOption, LmiVersion, lmi_option_spans, lmi_versions, version_number
from slipway.catalog.managed_policies import managed_policy
from slipway.catalog.metrics import Metric, find_metric, metrics, published
from slipway.catalog.optimization_types import optimization_types
from slipway.catalog.partitions import nearest_regions, partition_of
from slipway.catalog.processing_types import ProcessingType, processing_types
from slipway.catalog.tensor_plans import tensor_plans

__all__ = [
    "DRIVERS",
    "ITEM",
    "Alarm",
    "HostingImage",
    "InstanceType",
    "Limit",
    "LmiOption",
    "LmiVersion",
    "Metric",
    "NoImageError",
    "ProcessingType",
    "Shape",
    "alarms",
    "create_only",
    "cuda_of",
    "end_of_life",
    "find_image",
    "find_metric",
    "hosting_images",
    "hub_models",
    "image_accounts",
    "image_repositories",
    "image_uri",
    "images_taken",
    "instance_types",
    "limit",
    "lmi_option_spans",
    "lmi_options",
    "lmi_versions",
    "managed_policy",
    "metrics",
    "nearest_regions",
    "newness",
    "optimization_types",
    "partition_of",
    "processing_types",
    "published",
    "publishers",
    "publishing_regions",
    "regions",
    "runbooks",
    "shape",
    "tensor_plans",
    "version_number",
]
