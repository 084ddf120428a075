"""Lists that come in pages."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence


def page(items: Sequence[Any], params: dict[str, Any], default: int, error: str) -> tuple[list[Any], dict[str, str]]:
    """Return one page and the members that lead to the next.

    Args:
        items: The whole list, in an order that does not change between calls.
        params: The request; ``NextToken`` and ``MaxResults`` are read.
        default: How many a page holds when the caller does not say.
        error: Code of the error for a token that this cloud never gave.

    Raises:
        ApiError: If the token is unknown.
    """
    start = _position(params["NextToken"], error) if params.get("NextToken") is not None else 0
    end = start + params.get("MaxResults", default)
    return list(items[start:end]), {"NextToken": _token(end)} if end < len(items) else {}


def _token(position: int) -> str:
    return base64.b64encode(f"slipway:{position}".encode()).decode()


def _position(token: str, error: str) -> int:
    try:
        word, _, number = base64.b64decode(token, validate=True).decode().partition(":")
        if word == "slipway":
            return int(number)
    except ValueError:
        pass
    raise ApiError(error, f"Invalid pagination token given: {token}")
