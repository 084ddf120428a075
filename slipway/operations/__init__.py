"""What is done to a running endpoint, here or on AWS."""

from slipway.operations.invoke import Reply, client_for, endpoint_name, invoke

__all__ = ["Reply", "client_for", "endpoint_name", "invoke"]
