"""Content-Type and Accept, as RFC 9110 has them; JSON where SageMaker sends nothing."""

from __future__ import annotations

from functools import lru_cache

from serving.errors import RequestError

JSON = "application/json"
NPY = "application/x-npy"
LINES = "application/jsonlines"

# The order is what an answer prefers where the caller does not.
ANSWERS = (JSON, NPY, LINES)

_LONGEST = 4096
"""Of a header. What is answered is kept for the next request, and may not hold a caller's megabytes."""

_SHOWN = 200
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@lru_cache(maxsize=64)
def request_type(header: bytes, accepted: tuple[str, ...]) -> str:
    """Return the media type of a request's body.

    Raises:
        RequestError: 415, if it is not among `accepted`.
    """
    if header.strip() == b"" and JSON in accepted:
        return JSON
    media, parameters = _parse(header[:_LONGEST].decode("latin-1"))
    charset = parameters.get("charset", "utf-8").lower()
    if len(header) > _LONGEST or media not in accepted or (media == JSON and charset not in _CHARSETS):
        received = header[:_SHOWN].decode("latin-1")
        raise RequestError(
            415, "unsupported_media_type", f"content-type {received!r} is not accepted, {' or '.join(accepted)} is"
        )
    return media


@lru_cache(maxsize=64)
def answer_type(header: bytes) -> str:
    """Return the media type to answer with.

    Raises:
        RequestError: 406, if the caller accepts none that can be made.
    """
    if header.strip() == b"":
        return JSON
    ranges = [_parse(part) for part in header[:_LONGEST].decode("latin-1").split(",")]
    best = max(ANSWERS, key=lambda media: _quality(media, ranges))  # the first of equals
    if len(header) > _LONGEST or _quality(best, ranges) <= 0:
        received = header[:_SHOWN].decode("latin-1")
        raise RequestError(406, "not_acceptable", f"accept {received!r} cannot be met, {' or '.join(ANSWERS)} can")
    return best


def _quality(media: str, ranges: list[tuple[str, dict[str, str]]]) -> float:
    """Return the weight that the most specific matching range gives to `media`."""
    for pattern in (media, media.split("/", maxsplit=1)[0] + "/*", "*/*"):
        weights = [_weight(parameters) for name, parameters in ranges if name == pattern]
        if weights:
            return max(weights)
    return 0.0


def _weight(parameters: dict[str, str]) -> float:
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _parse(text: str) -> tuple[str, dict[str, str]]:
    media, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip().lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
