"""How the containers of an image run without Docker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slipway.local_cloud.child import python_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class NoHostError(Exception):
    """A server that cannot be had on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Command:
    """A process that serves.

    Args:
        words: A module of ours with its arguments, or ``--`` and a program with its arguments.
        environment: The whole of its environment.
    """

    words: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Contents:
    """What a container is given.

    Args:
        folder: Its own; its model lies in ``model`` there, or its models in ``models``.
        variables: Of its definition.
        multi_model: Whether it loads models as they are asked for.
    """

    folder: Path
    variables: Mapping[str, str]
    multi_model: bool = False

    @property
    def models(self) -> Path:
        """Where its model lies, or its models."""
        return self.folder / ("models" if self.multi_model else "model")

    def environment(self) -> dict[str, str]:
        """Return the container's variables and what any process needs, and nothing else of the emulator's."""
        return {
            **self.variables,
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_MULTI_MODEL": "true" if self.multi_model else "false",
        }

    def of_module(self, port: int) -> dict[str, str]:
        """Return the environment of a module of ours that serves the container at a port."""
        return {
            **self.environment(),
            "PYTHONPATH": python_path(),
            "SLIPWAY_BIND_HOST": "127.0.0.1",
            "SLIPWAY_MODEL_DIR": str(self.models),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        }


class Host(Protocol):
    """Runs the containers of some images."""

    @property
    def images(self) -> str:
        """Name the images, for whoever gave another."""

    @property
    def stand_in(self) -> str:
        """Say what answers in the server's stead; empty where it is the server itself."""

    def serves(self, image: str) -> bool:
        """Tell whether an image is one of its own."""

    def prepare(self) -> None:
        """Get ready what the server needs; it blocks, and is called before each container starts.

        Raises:
            NoHostError: If that cannot be had, with what is missing.
        """

    def command(self, contents: Contents, port: int) -> Command:
        """Return the process that serves a container's contents on a port of 127.0.0.1."""
