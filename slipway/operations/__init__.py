"""What is done to a running endpoint, here or on AWS."""

from slipway.operations.invoke import Reply, client_for, endpoint_name, invoke
from slipway.operations.target_model import target_model

__all__ = ["Reply", "client_for", "endpoint_name", "invoke", "target_model"]
