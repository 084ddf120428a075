"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.specs import UsageError

if TYPE_CHECKING:
    from slipway.specs import Project


class Format(StrEnum):
    """How a command answers: for eyes, or as one JSON document on stdout."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="text for eyes, json for one document on stdout")]
ProjectOption = Annotated[Path | None, typer.Option("--project", help="folder with models/, endpoints/, environments/")]


def find_project(folder: Path | None) -> Project:
    """Return the project in a folder.

    Args:
        folder: Where to look; None looks here and in every folder above.

    Raises:
        UsageError: If none of them is a project.
    """
    from slipway.specs import Project

    places = [Path.cwd(), *Path.cwd().parents] if folder is None else [folder]
    for place in places:
        if (place / "models").is_dir() and (place / "endpoints").is_dir():
            return Project(place)
    raise UsageError(f"'{places[0]}' is no slipway project (no models/ and endpoints/): name one with --project")
