"""Which Large Model Inference containers take typed options, and which option exists in which."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LmiVersion:
    """One release, from ``lmi_versions.json`` (which names its sources).

    Args:
        version: Of DJL Serving, such as ``0.36.0``; the newest LMI of it.
        lmi: Number of that LMI.
        vllm: Its vLLM; None where no source of it is public.
        read: The branch that it was read in; None where there is none, and what the one before does is assumed.
        entry_point: What the asynchronous handler must be named by; None where the container finds it.
    """

    version: str
    lmi: int
    vllm: str | None = None
    read: str | None = None
    entry_point: str | None = None

    @property
    def number(self) -> tuple[int, ...]:
        """To be compared."""
        return version_number(self.version)

    @property
    def asynchronous(self) -> bool:
        """Whether ``rolling_batch: auto`` means the asynchronous handler."""
        return self.entry_point is None


@dataclass(frozen=True)
class LmiOption:
    """Since when an option exists, and until when; both inclusive.

    Args:
        since: First version.
        until: Last version.
            Default: there is none yet.
        source: Key of ``sources``.
    """

    since: str
    source: str
    until: str | None = None


@cache
def lmi_versions() -> dict[str, LmiVersion]:
    """Every version whose options are known, the oldest first."""
    return {row["version"]: LmiVersion(**row) for row in _content()["versions"]}


@cache
def lmi_option_spans() -> dict[str, LmiOption]:
    """Since when and until when each typed option exists."""
    return {name: LmiOption(**row) for name, row in _content()["options"].items()}


def version_number(version: str) -> tuple[int, ...]:
    """Return a version to be compared."""
    return tuple(int(part) for part in version.split("."))


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return content
