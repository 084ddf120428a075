from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving import memory
from serving.errors import SettingError
from serving.metrics import UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_LEVELS = ("debug", "info", "warning", "error")
_MEBI = 1024 * 1024
_MOST_PORT = 65535
_MOST_DIMENSIONS = 30
_NAMESPACE = re.compile(r"(?!AWS/)[A-Za-z0-9._/#:-]{1,255}")
_DIMENSION = re.compile(r"([A-Za-z0-9._/#-][A-Za-z0-9._/#:-]{0,249})=([\x21-\x2b\x2d-\x7e]{1,1024})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says about how to serve."""

    host: str
    port: int
    multi_model: bool
    model_dir: Path
    models_memory_mib: int
    workers: int
    threads: int
    queue_limit: int
    max_body_bytes: int
    max_batch: int
    batch_size: int | None
    batch_delay_us: int
    body_seconds: int
    head_seconds: int
    request_seconds: int
    stream_seconds: int
    heartbeat_seconds: int
    drain_seconds: int
    log_level: str
    emf: bool
    emf_seconds: int
    emf_namespace: str
    emf_dimensions: dict[str, str]


def read(environ: Mapping[str, str]) -> Settings:
    """Read the settings; an absent or empty variable takes its default.

    Raises:
        SettingError: If a value is not one that is accepted.
    """
    multi_model = _choice(environ, "SAGEMAKER_MULTI_MODEL", "false", ("true", "false")) == "true"
    batch_size = _integer(environ, "SLIPWAY_BATCH_SIZE", 1, least=1, most=1024)
    if multi_model and batch_size > 1:
        raise SettingError(f"SLIPWAY_BATCH_SIZE: {batch_size} is not accepted, 1 is: many models share the threads")
    workers = _integer(environ, "SLIPWAY_WORKERS", 1, least=1, most=256)
    if multi_model and workers > 1:
        raise SettingError(f"SLIPWAY_WORKERS: {workers} is not accepted, 1 is: many models are hosted by one process")
    return Settings(
        host=environ.get("SLIPWAY_BIND_HOST") or "0.0.0.0",  # noqa: S104  a container's port is published by its host
        port=_integer(environ, "SAGEMAKER_BIND_TO_PORT", 8080, least=1, most=_MOST_PORT),
        multi_model=multi_model,
        model_dir=Path(environ.get("SLIPWAY_MODEL_DIR") or ("/opt/ml/models" if multi_model else "/opt/ml/model")),
        models_memory_mib=_integer(
            environ, "SLIPWAY_MODELS_MEMORY_MIB", memory.for_models_mib(), least=1, most=16 * _MEBI
        ),
        workers=workers,
        threads=_integer(environ, "SLIPWAY_THREADS", max(1, _cores() // workers), least=1, most=1024),
        # Waiting longer than a caller's patience helps nobody: better to say so at once.
        queue_limit=_integer(environ, "SLIPWAY_QUEUE_LIMIT", 64, least=0, most=100_000),
        max_body_bytes=_integer(environ, "SLIPWAY_MAX_BODY_BYTES", 6 * _MEBI, least=1, most=1024 * _MEBI),
        max_batch=_integer(environ, "SLIPWAY_MAX_BATCH", 64, least=1, most=1_000_000),
        batch_size=batch_size if environ.get("SLIPWAY_BATCH_SIZE") else None,
        batch_delay_us=_integer(environ, "SLIPWAY_BATCH_DELAY_US", 0, least=0, most=1_000_000),
        body_seconds=_integer(environ, "SLIPWAY_BODY_SECONDS", 60, least=1, most=3600),
        head_seconds=_integer(environ, "SLIPWAY_HEAD_SECONDS", 20, least=1, most=3600),
        # SageMaker waits so long and no longer; who computes for more, computes for nobody.
        request_seconds=_integer(environ, "SLIPWAY_REQUEST_SECONDS", 300, least=1, most=86_400),
        stream_seconds=_integer(environ, "SLIPWAY_STREAM_SECONDS", 900, least=1, most=86_400),
        heartbeat_seconds=_integer(environ, "SLIPWAY_HEARTBEAT_SECONDS", 60, least=1, most=3600),
        drain_seconds=_integer(environ, "SLIPWAY_DRAIN_SECONDS", 25, least=0, most=3600),
        log_level=_choice(environ, "SLIPWAY_LOG_LEVEL", "info", LOG_LEVELS),
        emf=_choice(environ, "SLIPWAY_EMF", "false", ("true", "false")) == "true",
        emf_seconds=_integer(environ, "SLIPWAY_EMF_SECONDS", 60, least=1, most=3600),
        emf_namespace=_namespace(environ.get("SLIPWAY_EMF_NAMESPACE") or "Slipway/Server"),
        emf_dimensions=_dimensions(environ.get("SLIPWAY_EMF_DIMENSIONS") or "Server=onnxruntime"),
    )


def _namespace(text: str) -> str:
    if _NAMESPACE.fullmatch(text) is None:
        accepted = "letters, digits and . _ / # : - are, at most 255, not AWS/ at their beginning"
        raise SettingError(f"SLIPWAY_EMF_NAMESPACE: {text[:50]!r} is not accepted, {accepted}")
    return text


def _dimensions(text: str) -> dict[str, str]:
    matches = [_DIMENSION.fullmatch(part) for part in text.split(",")]
    found = {match[1]: match[2] for match in matches if match is not None and match[1] not in UNITS}
    if len(found) < len(matches) or len(found) > _MOST_DIMENSIONS:
        accepted = f"name=value is, with commas between, at most {_MOST_DIMENSIONS}, none named like a metric or twice"
        raise SettingError(f"SLIPWAY_EMF_DIMENSIONS: {text[:50]!r} is not accepted, {accepted}")
    return found


def _cores() -> int:
    # A container may be bound to fewer cores than the machine has.
    return len(os.sched_getaffinity(0))


def _integer(environ: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    # isdecimal alone takes other scripts' digits.
    value = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else None
    if value is None or not least <= value <= most:
        raise SettingError(f"{name}: {text!r} is not accepted, an integer from {least} to {most} is")
    return value


def _choice(environ: Mapping[str, str], name: str, default: str, accepted: tuple[str, ...]) -> str:
    text = (environ.get(name) or default).lower()
    if text not in accepted:
        raise SettingError(f"{name}: {text!r} is not accepted, one of these is: {', '.join(accepted)}")
    return text
