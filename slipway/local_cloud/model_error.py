"""What SageMaker says of a model that did not answer a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .places import Place
    from .variant import ContainerError


def log_group(endpoint: str) -> str:
    """Return where the containers of an endpoint log."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def said(error: ContainerError) -> str:
    """Return the container's answer, or that there was none."""
    if error.body is not None:
        return error.body.decode(errors="replace")
    return (
        f"Your invocation timed out while waiting for a response from container {error.container}. Review the latency "
        "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
    )


def in_words(place: Place, endpoint: str, error: ContainerError) -> str:
    """Return the message.

    Args:
        place: Of the endpoint.
        endpoint: Its name.
        error: What its container did.
    """
    kind = "client" if 400 <= error.status < 500 else "server"  # noqa: PLR2004  what HTTP calls them
    return (
        f'Received {kind} error ({error.status}) from {error.container} with message "{said(error)}". See '
        f"https://{place.region}.console.aws.amazon.com/cloudwatch/home?region={place.region}"
        f"#logEventViewer:group={log_group(endpoint)} in account {place.account} for more information."
    )
