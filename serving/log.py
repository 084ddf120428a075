"""One JSON document a line on stdout; never a payload."""

from __future__ import annotations

import logging
import os
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson

_STDOUT = 1
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_threshold = _LEVELS["info"]


def configure(level: str) -> None:
    """Write lines of `level` and above, the libraries' own among them."""
    global _threshold  # noqa: PLW0603  one process, one stdout
    _threshold = _LEVELS[level]
    logging.basicConfig(level=max(_threshold, logging.INFO), handlers=[_Handler()], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its start and stop lines would repeat ours


def enabled(level: str) -> bool:
    """Tell whether lines of `level` are written."""
    return _LEVELS[level] >= _threshold


def write(level: str, event: str, **fields: Any) -> None:
    """Write one line."""
    if not enabled(level):
        return
    document = {"time": datetime.now(UTC), "level": level, "event": event, **fields}
    line = orjson.dumps(document, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    with suppress(OSError):  # nobody reads any more: keep answering
        os.write(_STDOUT, line)


def write_metrics(document: dict[str, Any]) -> None:
    """Write a line that CloudWatch reads, whatever the level: nothing may stand in it but what it knows."""
    with suppress(OSError):
        os.write(_STDOUT, orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info is not None and record.exc_info[1] is not None:
            fields["traceback"] = describe(record.exc_info[1])
        write(record.levelname.lower() if record.levelname.lower() in _LEVELS else "error", "log", **fields)


def describe(error: BaseException) -> str:
    """Return the traceback of `error` as one string."""
    return "".join(traceback.format_exception(error))
