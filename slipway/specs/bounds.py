"""The bounds that AWS sets, read from the catalogue instead of written down again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from slipway.catalog.limits import ITEM, limit, shape


def as_stated(name: str) -> Any:
    """Return the bounds of a limit that AWS states in prose.

    Args:
        name: As in ``prose_limits.json``.
    """
    stated = limit(name)
    return _field(stated.least, stated.most)


def as_in_config(*path: str) -> Any:
    """Return the bounds of a property of an endpoint config."""
    return _as_in("AWS::SageMaker::EndpointConfig", *path)


def as_in_variant(*path: str) -> Any:
    """Return the bounds of a property of a variant."""
    return as_in_config("ProductionVariants", ITEM, *path)


def as_in_endpoint(*path: str) -> Any:
    """Return the bounds of a property of an endpoint."""
    return _as_in("AWS::SageMaker::Endpoint", *path)


def _as_in(resource_type: str, *path: str) -> Any:
    found = shape(resource_type)
    if found is None:
        raise KeyError(resource_type)
    stated = found.at(*path)
    return _field(stated.least, stated.most)


def _field(least: float | None, most: float | None) -> Any:
    return Field(ge=least, le=most)
