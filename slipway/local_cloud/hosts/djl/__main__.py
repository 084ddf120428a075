"""Serve one model until asked to end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import uvicorn

from . import LABEL
from .app import Door
from .group import Group
from .rank import RankError
from .settings import Settings, SettingsError

GRACE_SECONDS = 20
"""For what was accepted, after it is asked to end; SageMaker ends it after 30."""

_log = logging.getLogger(__package__)


def main() -> None:
    """Read the model's settings from its folder and the environment, and serve it."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    _log.info("%s", LABEL)
    try:
        settings = Settings.read(Path(os.environ["SLIPWAY_MODEL_DIR"]).resolve(), os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    if settings.entry_point is None:
        _log.info("transformers answers on one rank of the CPU, in place of vLLM on GPUs")
    if settings.ignored:
        _log.info("no effect here: %s", ", ".join(settings.ignored))
    sys.exit(asyncio.run(_serve(settings)))


async def _serve(settings: Settings) -> str | None:
    group = Group(settings, os.environ.get("SLIPWAY_DJL_PYTHON", sys.executable), os.environ)
    server = uvicorn.Server(
        uvicorn.Config(
            Door(group).app(),
            host=os.environ.get("SLIPWAY_BIND_HOST", "127.0.0.1"),
            port=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    loading = asyncio.create_task(_load(group, server))
    try:
        await server.serve()
    finally:
        loading.cancel()
        await group.stop()
    return group.failed


async def _load(group: Group, server: uvicorn.Server) -> None:
    try:
        await group.start()
    except RankError as error:
        group.failed = f"the model was not loaded: {error}"
        server.should_exit = True


if __name__ == "__main__":
    main()
