"""What is done to a running endpoint or asked of a build stack, here or on AWS."""

from slipway.operations.build_orders import Order
from slipway.operations.cloud_builds import CloudBuilds
from slipway.operations.cloud_orders import CloudOrder, Workplace
from slipway.operations.compilation_orders import Compilation
from slipway.operations.invoke import Reply, asked_component, check_container, client_for, endpoint_name, invoke
from slipway.operations.optimization_orders import Optimization
from slipway.operations.optimizations import Optimizations
from slipway.operations.plan import Planner, StackPlan
from slipway.operations.target_model import target_model

__all__ = [
    "CloudBuilds",
    "CloudOrder",
    "Compilation",
    "Optimization",
    "Optimizations",
    "Order",
    "Planner",
    "Reply",
    "StackPlan",
    "Workplace",
    "asked_component",
    "check_container",
    "client_for",
    "endpoint_name",
    "invoke",
    "target_model",
]
