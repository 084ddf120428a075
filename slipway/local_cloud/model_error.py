"""What SageMaker says of a model that did not answer a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .places import Place

TIMED_OUT: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


def log_group(endpoint: str) -> str:
    """Return where the containers of an endpoint log."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def in_words(place: Place, endpoint: str, status: int, text: str) -> str:
    """Return the message.

    Args:
        place: Of the endpoint.
        endpoint: Its name.
        status: What the container answered, 0 where it did not.
        text: The container's answer.
    """
    kind = "client" if 400 <= status < 500 else "server"  # noqa: PLR2004  what HTTP calls them
    return (
        f'Received {kind} error ({status}) from primary with message "{text}". See '
        f"https://{place.region}.console.aws.amazon.com/cloudwatch/home?region={place.region}"
        f"#logEventViewer:group={log_group(endpoint)} in account {place.account} for more information."
    )
