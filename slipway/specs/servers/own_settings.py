"""What our own server takes from its variables, so that a slip is found before a container starts with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "SLIPWAY_"
# As in serving/settings.py, which imports nothing of ours; a test holds them together.
NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "SLIPWAY_BATCH_DELAY_US": (0, 1_000_000),
    "SLIPWAY_BATCH_SIZE": (1, 1024),
    "SLIPWAY_BODY_SECONDS": (1, 3600),
    "SLIPWAY_DRAIN_SECONDS": (0, 3600),
    "SLIPWAY_EMF_SECONDS": (1, 3600),
    "SLIPWAY_HEAD_SECONDS": (1, 3600),
    "SLIPWAY_HEARTBEAT_SECONDS": (1, 3600),
    "SLIPWAY_MAX_BATCH": (1, 1_000_000),
    "SLIPWAY_MAX_BODY_BYTES": (1, 1 << 30),
    "SLIPWAY_MODELS_MEMORY_MIB": (1, 16 << 20),
    "SLIPWAY_QUEUE_LIMIT": (0, 100_000),
    "SLIPWAY_REQUEST_SECONDS": (1, 86_400),
    "SLIPWAY_STREAM_SECONDS": (1, 86_400),
    "SLIPWAY_THREADS": (1, 1024),
    "SLIPWAY_WORKERS": (1, 256),
}
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "SLIPWAY_EMF": ("true", "false"),
    "SLIPWAY_LOG_LEVEL": ("debug", "info", "warning", "error"),
}
TEXTS: Final = ("SLIPWAY_EMF_DIMENSIONS", "SLIPWAY_EMF_NAMESPACE")
ELSEWHERE: Final = ("SLIPWAY_BIND_HOST", "SLIPWAY_MODEL_DIR")
"""Reserved, which is said by those who read any container's variables."""
RESOLVED: Final = "{{resolve:"
"""Begins a value that CloudFormation fetches."""


def unread(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield variables that the server would overlook, or end with: the name, and what is wrong."""
    known = [*NUMBERS, *WORDS, *TEXTS, *ELSEWHERE]
    for name, value in variables.items():
        if not name.startswith(PREFIX) or value == "" or value.startswith(RESOLVED):
            continue
        if name not in known:
            yield name, f"'{name}' is no setting of 'onnxruntime'{did_you_mean(name, known)}"
        elif name in NUMBERS and not _within(value, *NUMBERS[name]):
            least, most = NUMBERS[name]
            yield name, f"'{value[:40]}' is not accepted, a whole number from {least:,} to {most:,} is"
        elif name in WORDS and value.lower() not in WORDS[name]:
            yield name, f"'{value[:40]}' is not one of {', '.join(WORDS[name])}"


def _within(value: str, least: int, most: int) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= len(str(most)) and least <= int(value) <= most
