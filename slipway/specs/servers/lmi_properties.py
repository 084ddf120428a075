"""What an LMI container is told, as the text of ``serving.properties`` and as variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import lmi_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.specs.servers.lmi_options import LmiOptions

ENGINE: Final = "Python"
OURS: Final = frozenset(
    {
        *("name", "version", "async_mode", "rolling_batch", "enable_lora", "pipeline_parallel_degree"),
        *("speculative_config", "job_queue_size"),
    }
)
"""Fields that do not stand in the file as they were written."""
ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
BEGINS_A_COMMENT: Final = ("#", "!")
ASCII: Final = range(0x20, 0x7F)


def settings(options: LmiOptions, *, degree: int | str, loading_seconds: int, longest: int | None) -> dict[str, str]:
    """Return every option that LMI is told, by its name after ``option.``, sorted.

    Args:
        options: As they were written.
        degree: Of tensor parallelism.
        loading_seconds: What the model may take to load.
        longest: Tokens that prompt and answer have together at most; None: as config.json says.
    """
    found: dict[str, Any] = {name: getattr(options, name) for name in type(options).model_fields if name not in OURS}
    guess = options.speculative_config
    found |= _mode(options)
    found |= {
        "tensor_parallel_degree": degree,
        "model_loading_timeout": loading_seconds,
        "max_model_len": longest,
        "enable_lora": True if options.enable_lora else None,
        "speculative_config": None if guess is None else guess.model_dump(exclude_none=True),
    }
    return {name: _text(value) for name, value in sorted(found.items()) if value is not None}


def properties(told: Mapping[str, str], server: Mapping[str, str] | None = None) -> str:
    """Return the text of ``serving.properties``, as ``java.util.Properties`` reads it.

    Args:
        told: What the handler is told.
        server: What DJL Serving itself is told.
            Default: its engine alone.
    """
    lines = [f"{name}={_escaped(value)}" for name, value in {"engine": ENGINE, **(server or {})}.items()]
    lines += [f"option.{name}={_escaped(value)}" for name, value in told.items()]
    return "".join(f"{line}\n" for line in lines)


def option_variables(told: Mapping[str, str]) -> dict[str, str]:
    """Return the same as variables of the container; what a file says wins over them, so there must be none."""
    return {"OPTION_ENGINE": ENGINE, **{f"OPTION_{name.upper()}": value for name, value in told.items()}}


def _mode(options: LmiOptions) -> dict[str, str]:
    """Say which handler it is, in every version the same, whatever its ``auto`` means."""
    if not options.asynchronous:
        return {"rolling_batch": "vllm"}
    entry = lmi_versions()[options.version].entry_point
    return {"async_mode": "true", "rolling_batch": "disable"} | ({} if entry is None else {"entryPoint": entry})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)


def _escaped(value: str) -> str:
    r"""Write a value so that Java reads the same: leading blanks, line ends and anything but ASCII are escaped."""
    written = "".join(ESCAPES.get(character) or _ascii(character) for character in value)
    return f"\\{written}" if written.startswith((" ", *BEGINS_A_COMMENT)) else written


def _ascii(character: str) -> str:
    if ord(character) in ASCII:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
