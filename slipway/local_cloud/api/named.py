"""Records by name, and AWS's words for those that are missing or there already."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.local_cloud.records import Record

from .errors import invalid
from .tags import tag_map

if TYPE_CHECKING:
    from slipway.local_cloud.places import Place

_Named = TypeVar("_Named", bound=Record)


def arn(place: Place, kind: str, name: str) -> str:
    """Return the ARN of a SageMaker resource, which AWS writes in lower case."""
    return place.arn("sagemaker", f"{kind}/{name.lower()}")


def new(kind: type[_Named], place: Place, name: str, params: dict[str, Any], known: dict[str, _Named]) -> _Named:
    """Return a new record, not yet among the known ones.

    Raises:
        ApiError: If there is one of that name.
    """
    if name in known:
        raise invalid(f'Cannot create already existing {kind.words} "{arn(place, kind.kind, name)}".')
    return kind(place, name, params, time.time(), tag_map(params.get("Tags", [])))


def found(known: dict[str, _Named], place: Place, kind: type[_Named], name: str) -> _Named:
    """Return a record.

    Raises:
        ApiError: If there is none of that name.
    """
    if name not in known:
        raise invalid(f'Could not find {kind.words} "{arn(place, kind.kind, name)}".')
    return known[name]


def without_tags(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request as the describing operations show it."""
    return {name: value for name, value in request.items() if name != "Tags"}
