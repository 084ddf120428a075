"""What a call is refused with, in the words that AWS uses."""

from __future__ import annotations

from typing import Any

NOT_MODELLED = "is not modelled in Slipway's local cloud"


class ApiError(Exception):
    """A refused call.

    Args:
        code: The error code that boto3 shows.
        message: What is wrong, in AWS's words where AWS has any.
        status: HTTP status.
        fields: Further members of the error's shape.
    """

    def __init__(self, code: str, message: str, status: int = 400, fields: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


def invalid(message: str) -> ApiError:
    """Return SageMaker's and Application Auto Scaling's error for a request that cannot be met."""
    return ApiError("ValidationException", message)


def not_modelled(what: str) -> ApiError:
    """Return the refusal of what this cloud does not do, so that nothing is ever faked."""
    return invalid(f"{what} {NOT_MODELLED}")
