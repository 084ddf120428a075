"""What is done to a running endpoint, here or on AWS."""

from slipway.operations.invoke import Reply, check_container, client_for, endpoint_name, invoke

__all__ = ["Reply", "check_container", "client_for", "endpoint_name", "invoke"]
