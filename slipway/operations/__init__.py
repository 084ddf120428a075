"""What is done to a running endpoint, here or on AWS."""

from slipway.operations.invoke import Reply, asked_component, check_container, client_for, endpoint_name, invoke
from slipway.operations.plan import Planner, StackPlan
from slipway.operations.target_model import target_model

__all__ = [
    "Planner",
    "Reply",
    "StackPlan",
    "asked_component",
    "check_container",
    "client_for",
    "endpoint_name",
    "invoke",
    "target_model",
]
